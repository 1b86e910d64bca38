/** One look at a stream, without a consumer. */
import type { JetStreamManager } from '@nats-io/jetstream';

/** When the first message of a subject at or after a sequence was stored; undefined if there is none. */
export async function findNextTime(
  manager: JetStreamManager,
  stream: string,
  subject: string,
  fromSequence: number,
): Promise<number | undefined> {
  // The server knows `next_by_subj` (2.9); the client's type for this request has only the sequence.
  const request = { seq: fromSequence, next_by_subj: subject };
  const found = await manager.streams.getMessage(stream, request);
  return found?.time.getTime();
}
