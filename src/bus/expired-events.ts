/**
 * Finds events that left the bus before their sensor handled them, from two measurements of the sensor's consumer.
 * Pure.
 *
 * JetStream moves a consumer past removed messages without a trace: its lag falls to zero as if they had been handled.
 * So every measurement is kept on the bus, and the next one accounts for each event that was pending then.
 */

import type { ExpiredRange } from '../records/decision-record';

/** Measurements are taken several times a minute, whether the sensor listens or is paused. */
const UNWATCHED_MS = 60_000;

/** Why events left the bus: they were too old; a limit, purge or deletion removed them; the stream was recreated. */
export type ExpiryCause = 'age' | 'removed' | 'stream';

export interface ExpiredEvents extends ExpiredRange {
  readonly cause: ExpiryCause;
}

/** One measurement of a sensor's consumer and its stream. Kept on the bus as JSON. */
export interface ConsumerLook {
  /** RFC 3339. */
  readonly at: string;
  /** When the stream and the consumer were created: names stay the same when they are recreated. */
  readonly stream: string;
  readonly consumer: string;
  readonly subjects: readonly string[];
  readonly first: number;
  /** RFC 3339: when the first message was published; absent on an empty stream. */
  readonly firstAt?: string;
  readonly last: number;
  /** Messages missing between first and last. */
  readonly removed: number;
  readonly deliveredTo: number;
  /** Deliveries so far, including redeliveries. */
  readonly deliveries: number;
  readonly floor: number;
  readonly undelivered: number;
  readonly unconfirmed: number;
  /** When the oldest pending event was published, in milliseconds since the epoch. */
  readonly oldestAt?: number;
  /** No unacknowledged event was in flight: the sensor was paused. */
  readonly settled: boolean;
}

/** Further facts about the time between two measurements. */
export interface BetweenLooks {
  readonly maxAgeMs: number;
  /** Events for this sensor that arrived since the earlier measurement and were still on the bus. */
  readonly arrived: number;
  /** Events now pending after the earlier position; differs from `undelivered` for a recreated consumer. */
  readonly undelivered: number;
  /** Received by this process: for the first time, and again. */
  readonly received: number;
  readonly receivedAgain: number;
  /** Nak'd by this process and removed from the bus before redelivery. */
  readonly givenBackGone: number;
  /** No other process listened for the sensor. */
  readonly alone: boolean;
  /** Handled events leave the stream immediately, so that a gap below the floor is expected. */
  readonly handledEventsLeave: boolean;
  /** The stream has no limit that removes unhandled events. */
  readonly keepsUnhandled: boolean;
}

/** Returns true if messages that the sensor may have waited for are missing. Cheap; false in the normal case. */
export function mayHaveExpired(before: ConsumerLook, now: Pick<ConsumerLook, 'stream' | 'first' | 'removed'>): boolean {
  return before.stream !== now.stream || now.first > before.floor + 1 || now.removed > before.removed;
}

/** Returns undefined if everything pending at the earlier measurement is still pending or was delivered. */
export function findExpired(before: ConsumerLook, now: ConsumerLook, between: BetweenLooks): ExpiredEvents | undefined {
  if (before.stream !== now.stream) return lostWithStream(before, now, between);
  if (before.subjects.join() !== now.subjects.join()) return undefined;
  const [least, most] = add(undeliveredGone(before, now, between), unconfirmedGone(before, now, between));
  const unseen = cameAndWent(before, now, between);
  const possible = most + unseen;
  if (possible <= 0) return undefined;
  const isByAge =
    between.maxAgeMs > 0 &&
    (before.oldestAt === undefined ? unseen > 0 : Date.parse(now.at) - before.oldestAt >= between.maxAgeMs);
  const from = before.unconfirmed > 0 ? before.floor + 1 : before.deliveredTo + 1;
  return {
    fromSequence: from,
    toSequence: Math.max(from, now.first > from ? now.first - 1 : now.last),
    least,
    most: possible,
    ...(before.oldestAt !== undefined && { fromTime: new Date(before.oldestAt).toISOString() }),
    toTime: now.firstAt ?? now.at,
    cause: isByAge ? 'age' : 'removed',
  };
}

/**
 * Counts events that arrived and left between the measurements. Whether they were for this sensor is unknown. Events of
 * other sensors do so all the time on a busy bus, so this only counts after a long time without measurements.
 */
function cameAndWent(before: ConsumerLook, now: ConsumerLook, { maxAgeMs, keepsUnhandled }: BetweenLooks): number {
  const wasListening = before.consumer !== now.consumer || before.deliveries !== now.deliveries;
  if (keepsUnhandled || wasListening) return 0;
  const unwatchedFor = Date.parse(now.at) - Date.parse(before.at);
  const tooLong = before.settled && maxAgeMs > 0 ? Math.min(maxAgeMs, UNWATCHED_MS) : UNWATCHED_MS;
  return unwatchedFor < tooLong ? 0 : Math.max(0, now.first - 1 - before.last);
}

type Bounds = readonly [least: number, most: number];

function undeliveredGone(before: ConsumerLook, now: ConsumerLook, between: BetweenLooks): Bounds {
  const isGone = now.first > before.deliveredTo + 1 || now.removed > before.removed;
  if (!isGone) return [0, 0];
  const gone = Math.max(0, before.undelivered + between.arrived - between.undelivered);
  const delivered = deliveredBetween(before, now, between);
  return [Math.max(0, gone - delivered.most), Math.max(0, gone - delivered.least)];
}

function deliveredBetween(before: ConsumerLook, now: ConsumerLook, between: BetweenLooks) {
  if (before.consumer === now.consumer) {
    const deliveries = Math.max(0, now.deliveries - before.deliveries);
    const most = Math.max(0, deliveries - between.receivedAgain);
    return { least: between.alone ? most : Math.min(between.received, most), most };
  }
  if (between.alone || before.settled) return { least: between.received, most: between.received };
  return { least: between.received, most: Number.POSITIVE_INFINITY };
}

function unconfirmedGone(before: ConsumerLook, now: ConsumerLook, between: BetweenLooks): Bounds {
  const { givenBackGone } = between;
  const isGone = now.first > before.floor + 1 && !between.handledEventsLeave;
  const wasUntouched = before.consumer === now.consumer && before.deliveries === now.deliveries;
  // A listener that had them in flight may well have handled them, even after the bus removed them.
  if (!isGone || !before.settled || !wasUntouched) return [givenBackGone, givenBackGone];
  const gone = Math.max(givenBackGone, before.unconfirmed - now.unconfirmed);
  return [gone, gone];
}

function lostWithStream(
  before: ConsumerLook,
  now: ConsumerLook,
  { received, alone }: BetweenLooks,
): ExpiredEvents | undefined {
  const waited = before.undelivered + (before.settled ? before.unconfirmed : 0);
  if (waited === 0) return undefined;
  const least = before.settled || alone ? Math.max(0, waited - received) : 0;
  return {
    fromSequence: before.floor + 1,
    toSequence: Math.max(before.floor + 1, before.last),
    least,
    ...(before.oldestAt !== undefined && { fromTime: new Date(before.oldestAt).toISOString() }),
    toTime: now.at,
    cause: 'stream',
  };
}

function add([least, most]: Bounds, [otherLeast, otherMost]: Bounds): Bounds {
  return [least + otherLeast, most + otherMost];
}
