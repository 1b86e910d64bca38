/** The event that says that an expected event did not come: annotation `sluice.io/expect-every`. Pure. */
import type { CloudEvent } from './cloud-event';
import { shortHash } from './short-id';

/** Event source name of absences; the event name is the sensor's name. */
export const ABSENCE_SOURCE = 'sluice-absences';

/** What is known of a dependency; as stored on the bus. */
export interface LastSeen {
  /** When its latest event was handled, or when waiting for the first one began; milliseconds since the epoch. */
  readonly at: number;
  /** Absent while there was none. */
  readonly event?: Pick<CloudEvent, 'id' | 'source' | 'subject' | 'time'>;
  /** The absence after it has been published. */
  readonly isTold?: true;
}

export interface Absence {
  readonly namespace: string;
  readonly sensor: string;
  readonly dependency: string;
  readonly everyMs: number;
  readonly last: LastSeen;
}

const KEY_HASH_LENGTH = 16;

/** Under which the bus keeps what a sensor has seen last. Hashed: names may contain what keys may not. */
export function absenceKey(namespace: string, sensorName: string): string {
  return `absence.${shortHash(JSON.stringify([namespace, sensorName]), KEY_HASH_LENGTH)}`;
}

/** One gap has one event, however often it is published: its id is made of the moment at which the gap began. */
export function absenceEvent({ namespace, sensor, dependency, everyMs, last }: Absence): CloudEvent {
  const { id, source, subject, time } = last.event ?? {};
  const missingSince = new Date(last.at + everyMs).toISOString();
  return {
    specversion: '1.0',
    id: `${sensor}:${dependency}:${last.at}`,
    source: ABSENCE_SOURCE,
    sluicenamespace: namespace,
    subject: sensor,
    type: 'sluice.absence',
    time: missingSince,
    datacontenttype: 'application/json',
    data: {
      namespace,
      sensor,
      dependency,
      expected_every_seconds: everyMs / 1_000,
      last_seen_at: last.event === undefined ? null : new Date(last.at).toISOString(),
      missing_since: missingSince,
      last_event:
        last.event === undefined
          ? null
          : { id: id ?? '', source: source ?? '', subject: subject ?? '', time: time ?? null },
    },
  };
}
