/** How many events of one kind wait for the sensor of this bus that is furthest behind. */
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { consumerPrefix, eventSubject, type BusNames } from './bus-names';
import type { BusPlaces } from './bus-places';
import { isStreamMissing } from './stream';

/** 0 if no sensor waits for events of this path. Events of other paths that wait for such a sensor count, too. */
export async function countWaiting(
  manager: JetStreamManager,
  { tenant }: BusNames,
  { events }: BusPlaces,
  path: string,
): Promise<number> {
  const subject = eventSubject(events, path);
  let most = 0;
  try {
    for await (const { name, config, num_pending: pending, num_ack_pending: inHand } of manager.consumers.list(
      events.stream,
    )) {
      if (!name.startsWith(consumerPrefix(tenant)) || !subjectsOf(config).includes(subject)) continue;
      most = Math.max(most, pending + inHand);
    }
  } catch (error) {
    if (!isStreamMissing(error)) throw error;
  }
  return most;
}

function subjectsOf({ filter_subject: one, filter_subjects: several = [] }: ConsumerInfo['config']): readonly string[] {
  return one === undefined ? several : [one, ...several];
}
