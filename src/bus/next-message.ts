/** Single queries of a stream, without a consumer. */
import type { JetStreamManager } from '@nats-io/jetstream';

export interface NextMessage {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
}

/** Returns the first message of any of these subjects at or after a sequence; undefined if there is none. */
export async function findNext(
  manager: JetStreamManager,
  stream: string,
  subjects: readonly string[],
  fromSequence: number,
): Promise<NextMessage | undefined> {
  const found = await Promise.all(
    subjects.map(async (subject) => {
      // The server supports `next_by_subj` (2.9); the client's type for this request has only the sequence.
      const request = { seq: fromSequence, next_by_subj: subject };
      return await manager.streams.getMessage(stream, request);
    }),
  );
  const [next] = found.filter((message) => message !== null).sort((one, other) => one.seq - other.seq);
  return next && { sequence: next.seq, publishedAt: next.time.getTime() };
}

/** Returns when the last message of any of these subjects was published, in milliseconds since the epoch. */
export async function findLatest(
  manager: JetStreamManager,
  stream: string,
  subjects: readonly string[],
): Promise<number | undefined> {
  const found = await Promise.all(
    subjects.map((subject) => manager.streams.getMessage(stream, { last_by_subj: subject })),
  );
  const times = found.flatMap((message) => (message === null ? [] : [message.time.getTime()]));
  return times.length === 0 ? undefined : Math.max(...times);
}
