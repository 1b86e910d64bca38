/** Annotation `sluice.io/split`: a payload of several documents becomes an event of each, with the document as `body`. */
import { isJsonObject, type JsonObject } from '../../src/event/json';
import { isJsonText, joinObject, memberOf, membersOf, textOf, valueOf } from '../../src/event/json-text';
import type { JsonDocument, ObjectDocument } from '../../src/event/json-text';
import type { Delivery, ReceivedEvent, RejectedInput } from '../../src/sources/source';

/** Each is published with what surrounds it in the payload, such as the headers of a request. */
const MOST_BODIES = 1_000;
/** What surrounds the bodies, as often as there are bodies. */
const MOST_REPEATED_BYTES = 16 * 1024 * 1024;

export interface Bodies {
  readonly bodies: readonly JsonDocument[];
  /** Elements beside them that are something else. */
  readonly others: number;
  /** What `others` were expected to be, for the record: `STAC items`. */
  readonly expected: string;
}

/** Never throws. `find` returns undefined for a payload that is left as it is. */
export function splitDelivery(delivery: Delivery, find: (document: JsonDocument) => Bodies | undefined): Delivery {
  const rejected: RejectedInput[] = [...delivery.rejected];
  const events = delivery.events.flatMap((received) => {
    const document = received.document ?? member(received.data, 'body');
    const found = document === undefined ? undefined : find(document);
    if (found === undefined) return [received];
    const { bodies, others, expected } = found;
    const { transportId } = received;
    const reject = (reason: string): void => {
      rejected.push({ ...(transportId !== undefined && { transportId }), code: 'EVENT_UNDECODABLE', reason });
    };
    if (bodies.length > MOST_BODIES) {
      reject(`the payload holds ${bodies.length} ${expected}; sluice.io/split accepts at most ${MOST_BODIES}`);
      return [];
    }
    // Read once: a payload that is kept as text would be parsed for each body.
    const around = { ...membersOf(received.data), body: null };
    const repeatedBytes = bodies.length * Buffer.byteLength(textOf(joinObject(around)));
    if (repeatedBytes > MOST_REPEATED_BYTES) {
      reject(
        `what surrounds the ${bodies.length} ${expected} of the payload would be published with each, ${repeatedBytes} bytes in all; sluice.io/split accepts at most ${MOST_REPEATED_BYTES}`,
      );
      return [];
    }
    if (others > 0) reject(`${others} elements of the payload are not ${expected}`);
    const { traceparent } = objectOf(valueOf(document ?? null));
    return bodies.map((body) => toEvent(received, around, body, traceparent));
  });
  return {
    events,
    rejected,
    position: delivery.position,
    acknowledge: (outcome) => delivery.acknowledge(outcome),
    release: (error) => delivery.release(error),
  };
}

/** The body identifies the event, so a transport's id of the whole payload does not apply. */
function toEvent(
  received: ReceivedEvent,
  around: Readonly<Record<string, JsonDocument>>,
  body: JsonDocument,
  traceparent: unknown,
): ReceivedEvent {
  const { transportId: _ofTheWhole, ...others } = received;
  return {
    ...others,
    data: joinObject({ ...around, body }),
    document: body,
    ...(received.traceparent === undefined && typeof traceparent === 'string' && { traceparent }),
  };
}

export function member(document: JsonDocument | ObjectDocument, name: string): JsonDocument | undefined {
  if (isJsonText(document)) return memberOf(document, name);
  return isJsonObject(document) && Object.hasOwn(document, name) ? document[name] : undefined;
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
