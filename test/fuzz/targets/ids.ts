import fc from 'fast-check';
import { boundForeignId, deriveEventId, MAX_EVENT_ID_LENGTH } from '../../../src/event/event-id';
import { isShortEventId, shortEventId, toShortEventId } from '../../../src/event/short-id';
import { isJsonObject, type JsonObject } from '../../../src/event/json';
import { anyJson, anyText } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

const LEGAL = /^[A-Za-z0-9._:@+~-]+$/;

/** Whatever outside systems call their entries: a legal id, the same for the same entry, another for another. */
export function ids(): OpenTarget {
  const longText = fc.tuple(anyText, fc.nat({ max: 300 })).map(([text, times]) => text + 'y'.repeat(times));
  const text = fc.oneof(anyText, longText);
  return hide({
    inputs: fc.record({ eventName: text, first: text, second: text, document: anyJson, hasTransport: fc.boolean() }),
    check({ eventName, first, second, document, hasTransport }) {
      const data: JsonObject = isJsonObject(document) ? document : {};
      const idOf = (transportId: string): string =>
        deriveEventId({
          eventName,
          ...(hasTransport ? { transportId } : {}),
          document,
          data,
          receivedAt: '2026-01-01T00:00:00Z',
        });
      const id = idOf(first);
      expectThat(LEGAL.test(id) && id.length <= MAX_EVENT_ID_LENGTH, `a legal id, got ${JSON.stringify(id)}`);
      expectThat(id === idOf(first), 'the same id for the same entry');
      if (hasTransport && first !== second) expectThat(id !== idOf(second), 'two ids for two entries');
      const short = shortEventId(`source/${id}`);
      expectThat(isShortEventId(short) && toShortEventId(short) === short, 'a short id that is known as one');
      expectThat(boundForeignId(first).length <= 512, 'a bounded id of another program');
    },
  });
}
