/** Reads events on the bus, any number of times, for replay and explain. No consumer's position changes. */
import {
  DeliverPolicy,
  jetstream,
  type ConsumerMessages,
  type JetStreamManager,
  type StreamState,
} from '@nats-io/jetstream';
import type { EventRange, OnRead, StoredEvent } from './bus';
import type { BusConnection } from './bus-connection';
import { readEvent } from './delivery';
import { eventSubject } from './bus-names';
import type { BusPlaces } from './bus-places';
import { isStreamMissing } from './stream';

/** What an ordered, temporary consumer yields. */
interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly publishedAt: number;
  readonly data: Uint8Array;
}

/** Yields the events of the range in bus order. Yields nothing if the stream does not exist. */
export async function* readEvents(
  connection: BusConnection,
  manager: JetStreamManager,
  { events, former }: BusPlaces,
  range: EventRange,
  onRead?: OnRead,
): AsyncGenerator<StoredEvent> {
  const untilTime = range.toTime === undefined ? Number.POSITIVE_INFINITY : Date.parse(range.toTime);
  const contains = range.containing === undefined ? undefined : textFinder(range.containing);
  const { paths, ...limits } = range;
  let count = 0;
  let readBefore = 0;
  for (const { stream, prefix } of former ? [former, events] : [events]) {
    const subjects = paths?.map((path) => eventSubject({ stream, prefix }, path));
    const onReadHere = (read: number): void => onRead?.((total = readBefore + read));
    let total = readBefore;
    const toSequence =
      stream === former?.stream ? Math.min(former.before - 1, range.toSequence ?? Infinity) : undefined;
    const within = { ...limits, ...(subjects && { subjects }), ...(toSequence !== undefined && { toSequence }) };
    for await (const message of readStored(connection, manager, stream, within, onReadHere)) {
      if (message.publishedAt > untilTime) break;
      if (count >= (range.limit ?? Number.POSITIVE_INFINITY)) return;
      const { data, ...position } = message;
      // Event sources of Argo Events encode their data in base64.
      if (contains && !contains(data) && !hasEncodedData(data)) continue;
      yield { ...readEvent(data), ...position };
      count += 1;
    }
    readBefore = total;
  }
}

type StoredRange = Pick<EventRange, 'fromSequence' | 'toSequence' | 'fromTime'> & {
  readonly subjects?: readonly string[];
};

/** Yields messages of a stream from the start of the range to the last one when reading began. */
export async function* readStored(
  connection: BusConnection,
  manager: JetStreamManager,
  stream: string,
  range: StoredRange,
  onRead?: OnRead,
): AsyncGenerator<StoredMessage> {
  const state = await findState(manager, stream);
  if (state === undefined) return;
  const last = Math.min(range.toSequence ?? state.last_seq, state.last_seq);
  if (state.messages === 0 || (range.fromSequence ?? state.first_seq) > last) return;

  const consumer = await jetstream(connection.nats).consumers.get(stream, {
    ...(range.subjects && range.subjects.length > 0 && { filter_subjects: [...range.subjects] }),
    ...startOf(range),
  });
  if ((await consumer.info()).num_pending === 0) return;
  const messages: ConsumerMessages = await consumer.consume({ max_messages: 500 });
  let read = 0;
  try {
    for await (const message of messages) {
      if (message.seq > last) return;
      onRead?.((read += 1));
      yield {
        subject: message.subject,
        sequence: message.seq,
        publishedAt: message.time.getTime(),
        data: message.data,
      };
      if (message.info.pending === 0 || message.seq === last) return;
    }
  } finally {
    await messages.close();
    await consumer.delete().catch(() => undefined);
  }
}

export async function findState(manager: JetStreamManager, stream: string): Promise<StreamState | undefined> {
  try {
    return (await manager.streams.info(stream)).state;
  } catch (error) {
    if (isStreamMissing(error)) return undefined;
    throw error;
  }
}

/** Returns a function that searches the bytes of JSON texts for this text: a hundred times faster than parsing them. */
export function textFinder(text: string): (json: Uint8Array) => boolean {
  const written = Buffer.from(JSON.stringify(text).slice(1, -1));
  return (json) => Buffer.from(json.buffer, json.byteOffset, json.byteLength).includes(written);
}

const hasEncodedData = textFinder('data_base64');

function startOf(range: Pick<EventRange, 'fromSequence' | 'fromTime'>) {
  if (range.fromSequence !== undefined) {
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, range.fromSequence) };
  }
  if (range.fromTime !== undefined) return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: range.fromTime };
  return { deliver_policy: DeliverPolicy.All };
}
