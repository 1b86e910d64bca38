/**
 * Retention `until-handled`: the stream itself removes nothing; this class removes events that every consumer has
 * handled, once they are old or space is needed. All workers do so: a purge up to a position is idempotent.
 */
import {
  AckPolicy,
  DeliverPolicy,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { describeError } from '../errors/sluice-error';
import type { BusConnection } from './bus-connection';
import { findNext } from './next-message';

const LONGEST_PAUSE_MS = 30_000;
const SHORTEST_PAUSE_MS = 1_000;
/** A stream filled beyond this loses handled events until it is filled to `MAKE_ROOM_TO`. */
const CROWDED = 0.8;
const MAKE_ROOM_TO = 0.6;

export class HandledEvents {
  private timer: NodeJS.Timeout | undefined;
  private removing: Promise<void> | undefined;
  private endedAt = -Infinity;
  private closed = false;

  /** `maxAgeMs`: how long handled events are kept; 0: until space is needed. */
  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly stream: string,
    private readonly maxAgeMs: number,
  ) {
    this.schedule();
  }

  /** Frees space early, because a publisher was refused. */
  makeRoom(): void {
    if (performance.now() - this.endedAt >= SHORTEST_PAUSE_MS) void this.remove();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.removing;
  }

  private schedule(): void {
    if (this.closed) return;
    const wanted = this.maxAgeMs > 0 ? this.maxAgeMs / 10 : LONGEST_PAUSE_MS;
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, wanted));
    this.timer = setTimeout(() => void this.remove().then(() => this.schedule()), pause).unref();
  }

  private remove(): Promise<void> {
    this.removing ??= this.removeHandled()
      .catch((error: unknown) => {
        if (this.closed || !this.connection.isConnected()) return;
        const { name } = this.connection.settings;
        this.connection.log('warn', `event bus ${name}: handled events cannot be removed: ${describeError(error)}`);
      })
      .finally(() => {
        this.removing = undefined;
        this.endedAt = performance.now();
      });
    return this.removing;
  }

  private async removeHandled(): Promise<void> {
    // Before the consumers: events that arrive later are not considered, so they are not removed.
    const stream = await this.manager.streams.info(this.stream);
    const { first_seq: first, last_seq: last, messages } = stream.state;
    if (messages === 0) return;
    const wanted = Math.max(await this.firstYoung(first), firstToKeep(stream));
    if (wanted <= first) return;
    let handledTo = last;
    for await (const consumer of this.manager.consumers.list(this.stream)) {
      if (consumer.config.ack_policy === AckPolicy.None) continue;
      handledTo = Math.min(handledTo, await this.handledBy(consumer, last));
    }
    const purgeBelow = Math.min(wanted, handledTo + 1);
    if (purgeBelow > first) await this.manager.streams.purge(this.stream, { seq: purgeBelow });
  }

  /** Returns the sequence up to which everything was acknowledged or is not for this consumer. */
  private async handledBy(consumer: ConsumerInfo, last: number): Promise<number> {
    const { config, num_ack_pending: unconfirmed, num_pending: undelivered } = consumer;
    if (unconfirmed > 0) return consumer.ack_floor.stream_seq;
    if (undelivered === 0) return last;
    const { filter_subjects: several, filter_subject: one } = config;
    const subjects = several ?? (one ? [one] : ['>']);
    const delivered = consumer.delivered.stream_seq;
    const next = await findNext(this.manager, this.stream, subjects, delivered + 1);
    return next === undefined ? delivered : next.sequence - 1;
  }

  /** Returns the first sequence that is not too old. */
  private async firstYoung(first: number): Promise<number> {
    if (this.maxAgeMs === 0) return first;
    const since = new Date(Date.now() - this.maxAgeMs);
    const { name, delivered } = await this.manager.consumers.add(this.stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: since.toISOString(),
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(5_000),
    });
    await this.manager.consumers.delete(this.stream, name).catch(() => undefined);
    return delivered.stream_seq + 1;
  }
}

/** Returns where the stream must begin to have space again; 0 while there is enough. */
function firstToKeep({ config, state }: StreamInfo): number {
  const fill = Math.max(
    config.max_msgs > 0 ? state.messages / config.max_msgs : 0,
    config.max_bytes > 0 ? state.bytes / config.max_bytes : 0,
  );
  // Without a consumer, no event has been handled.
  if (fill < CROWDED || state.consumer_count === 0) return 0;
  return state.first_seq + Math.ceil(state.messages * (1 - MAKE_ROOM_TO / fill));
}
