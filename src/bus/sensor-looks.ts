/**
 * Measures the backlog of a sensor, and keeps each measurement on the bus: the only way to detect events that left
 * unhandled, whichever worker listens by then.
 */
import {
  AckPolicy,
  DeliverPolicy,
  RetentionPolicy,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { describeError } from '../errors/sluice-error';
import type { SensorBacklog } from './bus';
import type { BusConnection } from './bus-connection';
import type { ConsumerPlace } from './consumer-place';
import { findConsumer, handledTo } from './durable-consumer';
import {
  findExpired,
  mayHaveExpired,
  type BetweenLooks,
  type ConsumerLook,
  type ExpiredEvents,
} from './expired-events';
import { findNext } from './next-message';
import type { SharedValues } from './shared-values';

const HISTORY_LENGTH = 20;
const NANOSECONDS_PER_MS = 1_000_000;
const ATTEMPTS = 3;
const REWRITE_AFTER_MS = 30_000;
/** An idle consumer is not asked for; others may have changed it on the server. */
const ASK_IDLE_AFTER_MS = 120_000;
/** Idle sensors of a bus share what is known of its stream. */
const STREAM_SHARED_FOR_MS = 1_000;

/** What the measuring process knows of the time since the last measurement, and of the events in flight. */
export interface LookContext {
  readonly settled: boolean;
  readonly alone: boolean;
  /**
   * This process alone reads the consumer, waits for the next event, and has received none since the last measurement,
   * so that the consumer stands where it stood if nothing was pending then.
   */
  readonly isIdle: boolean;
  readonly received: number;
  readonly receivedAgain: number;
  /** Of the nak'd events, the number no longer on the bus. */
  givenBackGone(first: number): number;
}

/** For a process that has no listener open. */
export const WITHOUT_LISTENER: LookContext = {
  ...{ settled: false, alone: false, isIdle: false, received: 0, receivedAgain: 0 },
  givenBackGone: () => 0,
};

interface KeptLook {
  readonly look: ConsumerLook;
  readonly history: readonly ExpiredEvents[];
}

interface Known {
  readonly look: ConsumerLook;
  /** As it is on the bus: an unchanged measurement is not written. */
  readonly kept: KeptLook;
  readonly maxAgeMs: number;
  readonly askedAt: number;
}

export class SensorLooks {
  private isComplaining = false;
  /** The last measurement of each consumer, and when the server was last asked for it. */
  private readonly known = new Map<string, Known>();
  private readonly streams = new Map<string, { readonly at: number; readonly info: Promise<StreamInfo> }>();

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly shared: SharedValues,
  ) {}

  /** Undefined if the sensor has no consumer. `record`: keeps the losses found, so that they are not found again. */
  async measure(place: ConsumerPlace, context: LookContext, record: boolean): Promise<SensorBacklog | undefined> {
    const idle = record && context.isIdle ? await this.lookWhileIdle(place) : undefined;
    const before = idle === undefined ? await this.read(place) : idle.known.kept;
    const seen = idle ?? (await this.look(place, before?.look, context));
    if (seen === undefined) return undefined;
    const { look, maxAgeMs, between } = seen;
    const found = before && between && findExpired(before.look, look, between);
    const keeping = record ? await this.keep(place, before, look, found) : 'not ours';
    const isOurs = keeping !== 'not ours';
    if (keeping === 'unknown' || !isOurs) this.known.delete(keyOf(place));
    else {
      const askedAt = idle?.known.askedAt ?? performance.now();
      this.known.set(keyOf(place), { look, kept: keeping, maxAgeMs, askedAt });
    }
    return {
      waiting: look.undelivered + look.unconfirmed,
      inHand: look.unconfirmed,
      handledTo: look.floor,
      ...(look.oldestAt !== undefined && { oldestAt: look.oldestAt }),
      maxAgeMs,
      expired: found !== undefined && (isOurs || !record) ? [found] : [],
      history: [...(before?.history ?? []), ...(found ? [found] : [])].slice(-HISTORY_LENGTH),
    };
  }

  async forget({ looks }: ConsumerPlace): Promise<void> {
    await this.shared.delete(looks.bucket, looks.key);
  }

  /** A listener has closed: what others measure from now on is not known here. */
  closed(place: ConsumerPlace): void {
    this.known.delete(keyOf(place));
  }

  /** Undefined if the server has to be asked for the consumer. */
  private async lookWhileIdle(place: ConsumerPlace) {
    const known = this.known.get(keyOf(place));
    if (known === undefined || performance.now() - known.askedAt > ASK_IDLE_AFTER_MS) return undefined;
    const { firstAt: _, ...look } = known.look;
    if (look.undelivered + look.unconfirmed > 0) return undefined;
    const stream = ofStream(await this.streamOf(place));
    if (mayHaveExpired(look, stream)) return undefined;
    const now: ConsumerLook = { ...look, ...stream, at: new Date().toISOString() };
    return { known, look: now, maxAgeMs: known.maxAgeMs, between: undefined };
  }

  private streamOf({ stream }: ConsumerPlace): Promise<StreamInfo> {
    const known = this.streams.get(stream);
    if (known !== undefined && performance.now() - known.at < STREAM_SHARED_FOR_MS) return known.info;
    const info = this.manager.streams.info(stream);
    this.streams.set(stream, { at: performance.now(), info });
    info.catch(() => this.streams.delete(stream));
    return info;
  }

  private async look(place: ConsumerPlace, before: ConsumerLook | undefined, context: LookContext) {
    for (let attempt = 1; ; attempt += 1) {
      const earlier = await this.manager.streams.info(place.stream);
      const isMissing = before !== undefined && mayHaveExpired(before, ofStream(earlier));
      const known = await findConsumer(this.manager, place);
      if (known === undefined) return undefined;
      // Counted first: an event that arrives in between makes the loss look smaller, never larger.
      const arrived = isMissing ? await this.countFrom(place, before.last + 1, before.subjects) : 0;
      const isMadeAgain = before !== undefined && before.consumer !== known.created;
      const behind = isMadeAgain ? await this.countFrom(place, before.deliveredTo + 1, before.subjects) : undefined;
      const consumer = await findConsumer(this.manager, place);
      const stream = await this.manager.streams.info(place.stream);
      if (consumer === undefined) return undefined;
      const look: ConsumerLook = {
        at: new Date().toISOString(),
        ...ofStream(stream),
        ...(await this.ofConsumer(place, consumer)),
        settled: context.settled,
      };
      // Messages were removed between the two: count again, including them.
      const isOvertaken = before !== undefined && !isMissing && mayHaveExpired(before, look);
      if (isOvertaken && attempt < ATTEMPTS) continue;
      const maxAgeMs = stream.config.max_age / NANOSECONDS_PER_MS;
      const between: BetweenLooks = {
        maxAgeMs,
        arrived,
        undelivered: behind ?? look.undelivered,
        received: context.received,
        receivedAgain: context.receivedAgain,
        alone: context.alone,
        givenBackGone: context.givenBackGone(look.first),
        keepsUnhandled: this.connection.settings.handledMaxAgeMs !== undefined,
        handledEventsLeave: stream.config.retention !== RetentionPolicy.Limits,
      };
      return { look, maxAgeMs, between };
    }
  }

  private async ofConsumer(place: ConsumerPlace, info: ConsumerInfo) {
    const { config, delivered, ack_floor: floor, num_pending: undelivered, num_ack_pending: unconfirmed } = info;
    const subjects = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
    const from = (unconfirmed > 0 ? floor.stream_seq : delivered.stream_seq) + 1;
    const oldest =
      undelivered + unconfirmed === 0 ? undefined : await findNext(this.manager, place.stream, subjects, from);
    return {
      consumer: info.created,
      subjects: [...subjects].sort(),
      deliveredTo: delivered.stream_seq,
      deliveries: delivered.consumer_seq,
      floor: handledTo(info),
      ...{ undelivered, unconfirmed },
      ...(oldest && { oldestAt: oldest.publishedAt }),
    };
  }

  /** Returns how many events of these subjects are on the bus from a sequence on. */
  private async countFrom({ stream }: ConsumerPlace, sequence: number, subjects: readonly string[]): Promise<number> {
    const { name, num_pending: count } = await this.manager.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, sequence),
      filter_subjects: [...subjects],
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(5_000),
    });
    await this.manager.consumers.delete(stream, name).catch(() => undefined);
    return count;
  }

  private async read({ looks }: ConsumerPlace): Promise<KeptLook | undefined> {
    try {
      return await this.shared.read<KeptLook>(looks.bucket, looks.key);
    } catch (error) {
      this.complain(looks.bucket, error);
      return undefined;
    }
  }

  /**
   * Returns what is on the bus then; `not ours` if another process measured in the meantime, which then reports the
   * loss; `unknown` if the bucket cannot be used.
   */
  private async keep(
    { looks }: ConsumerPlace,
    before: KeptLook | undefined,
    look: ConsumerLook,
    found: ExpiredEvents | undefined,
  ): Promise<KeptLook | 'not ours' | 'unknown'> {
    if (before !== undefined && found === undefined && isSameLook(before.look, look)) return before;
    const history = [...(before?.history ?? []), ...(found ? [found] : [])].slice(-HISTORY_LENGTH);
    const next: KeptLook = { look, history };
    try {
      const kept = await this.shared.update<KeptLook>(looks.bucket, looks.key, (current) =>
        current?.look.at === before?.look.at ? next : current,
      );
      this.isComplaining = false;
      return kept === next ? next : 'not ours';
    } catch (error) {
      this.complain(looks.bucket, error);
      return 'unknown';
    }
  }

  private complain(bucket: string, error: unknown): void {
    if (this.isComplaining || !this.connection.isConnected()) return;
    this.isComplaining = true;
    this.connection.log(
      'warn',
      `event bus ${this.connection.settings.name}: bucket ${bucket} cannot be used, so events that expire unhandled may go unnoticed: ${describeError(error)}`,
    );
  }
}

function keyOf({ stream, name }: ConsumerPlace): string {
  return JSON.stringify([stream, name]);
}

function ofStream({
  created,
  state,
}: StreamInfo): Pick<ConsumerLook, 'stream' | 'first' | 'firstAt' | 'last' | 'removed'> {
  return {
    stream: created,
    first: state.first_seq,
    ...(state.messages > 0 && { firstAt: state.first_ts }),
    last: state.last_seq,
    removed: state.num_deleted ?? 0,
  };
}

/** An unchanged measurement is not written, unless it would later seem that none had been taken. */
function isSameLook(one: ConsumerLook, other: ConsumerLook): boolean {
  if (Date.parse(other.at) - Date.parse(one.at) > REWRITE_AFTER_MS) return false;
  return JSON.stringify({ ...one, at: '' }) === JSON.stringify({ ...other, at: '' });
}
