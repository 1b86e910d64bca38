/**
 * Event source `calendar`: one event per tick of a schedule, at least once.
 *
 * Time itself keeps the backlog: what is due follows from the last published tick, which is kept on the bus, and from
 * the clock. So nothing is held in memory while the bus is away, and a worker that takes over continues after that
 * tick. The id of an event is its tick, so one that is published again is recognised.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, isSluiceError } from '../errors/sluice-error';
import { goTime } from '../event/go-time';
import type { JsonObject } from '../event/json';
import { parseGoDurationMs } from '../text/durations';
import { CalendarTicks, CalendarUnusable, type CalendarOptions } from './calendar-ticks';
import { KeptPosition } from './kept-position';
import type { Delivery, ReceivedEvent, Source, SourceBacklog, SourceContext, SourceOf, SourceStatus } from './source';
import { describeSource, sourceFailure } from './source-failure';

/** Replaced by tests. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves at `time`, or earlier; at once if the signal aborts. */
  sleepUntil(time: number, signal: AbortSignal): Promise<void>;
}

/** The clock of the machine may be set meanwhile. */
const LONGEST_SLEEP_MS = 30_000;

const systemClock: Clock = {
  now: () => Date.now(),
  sleepUntil: async (time, signal) => {
    const sleepMs = Math.min(Math.max(time - Date.now(), 1), LONGEST_SLEEP_MS);
    await delay(sleepMs, undefined, { signal }).catch(() => undefined);
  },
};

export const calendarSource: SourceOf<'calendar'> = calendarWith(systemClock);

export function calendarWith(clock: Clock): SourceOf<'calendar'> {
  return {
    kind: 'calendar',
    guarantee: 'at least once',
    create: (spec, context) => new CalendarSource(spec, context, clock),
  };
}

/** Without `persistence.catchup`: the time in which a worker restarts or another one takes over. */
const GRACE_MS = 5 * 60_000;
const MAX_PER_DELIVERY = 100;
const MAX_COUNTED = 1_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

class CalendarSource implements Source {
  /** The last tick that the bus has, or where the calendar began. */
  private last = 0;
  private isReading = false;
  private dropped = 0;
  private retryMs = FIRST_RETRY_MS;
  private next: number | undefined;
  private problem: string | undefined;
  /** Ends the wait for the delivery in flight. */
  private settled: (() => void) | undefined;
  private readonly position: KeptPosition;

  constructor(
    private readonly spec: CalendarOptions,
    private readonly context: SourceContext,
    private readonly clock: Clock,
  ) {
    this.position = new KeptPosition(context, () => ({ of: this.readTicks().name, last: this.last }));
  }

  check(): Promise<void> {
    this.readTicks();
    return Promise.resolve();
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    const ticks = this.readTicks();
    const isLoaded = await this.position.load(
      () => this.load(ticks),
      (error) => this.note(`its position cannot be read: ${describeError(error)}`),
    );
    if (!isLoaded) return;
    const onAbort = (): void => this.settled?.();
    signal.addEventListener('abort', onAbort, { once: true });
    this.isReading = true;
    this.context.log('info', `${describeSource(this.context)}: ticks ${ticks.name}`);
    try {
      while (!signal.aborted) {
        const due = ticks.between(this.last, this.clock.now(), MAX_PER_DELIVERY);
        if (due.length > 0) yield* this.deliver(due, signal);
        await this.position.write(true);
        this.next = ticks.nextTick(this.last);
        if (!signal.aborted) await this.clock.sleepUntil(this.next, signal);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.isReading = false;
    }
  }

  status(): SourceStatus {
    const { isReading, dropped, problem } = this;
    return { connected: isReading, dropped, ...(problem !== undefined && { problem }) };
  }

  /** For the heartbeat, where operators see it. */
  marks(): JsonObject {
    return this.next !== undefined && Number.isFinite(this.next) ? { next: new Date(this.next).toISOString() } : {};
  }

  async backlog(): Promise<SourceBacklog> {
    const ticks = this.readTicks();
    const now = this.clock.now();
    const last = this.isReading ? this.last : await this.formerTick(ticks);
    if (last === undefined) return { entries: 0, pending: 0 };
    const from = this.isReading ? last : ticks.skipTo(last, this.earliest(now));
    const entries = ticks.between(from, now, MAX_COUNTED).length;
    return { entries, pending: 0, ...(entries === MAX_COUNTED && { isAtLeast: true }) };
  }

  async close(): Promise<void> {
    await this.position.close();
  }

  private readTicks(): CalendarTicks {
    try {
      return new CalendarTicks(this.spec);
    } catch (error) {
      const isInvalid = isSluiceError(error) && error.code === 'EXPRESSION_INVALID';
      if (!isInvalid && !(error instanceof CalendarUnusable)) throw error;
      throw sourceFailure(this.context, 'misconfigured', {
        message: error.message,
        fix: isInvalid ? error.fix : 'Correct the manifest and apply it again',
      });
    }
  }

  private async load(ticks: CalendarTicks): Promise<void> {
    const former = await this.formerTick(ticks);
    const now = this.clock.now();
    if (former === undefined) {
      this.last = Math.floor(now / 1_000) * 1_000;
      this.position.changed();
    } else this.continueAfter(former, ticks, now);
    this.problem = undefined;
  }

  private note(problem: string): void {
    if (problem !== this.problem) this.context.log('warn', `${describeSource(this.context)}: ${problem}`);
    this.problem = problem;
  }

  private continueAfter(former: number, ticks: CalendarTicks, now: number): void {
    this.last = ticks.skipTo(former, this.earliest(now));
    const skipped = ticks.between(former, this.last, MAX_COUNTED).length;
    if (skipped === 0) return;
    this.dropped += skipped;
    this.position.changed();
    const count = skipped === MAX_COUNTED ? `at least ${skipped}` : String(skipped);
    this.context.log(
      'warn',
      `${describeSource(this.context)}: ${count} ticks after ${new Date(former).toISOString()} passed while it was not ` +
        `read and are skipped, as persistence.catchup ${this.isCatchingUp() ? 'does not reach back that far' : 'is not enabled'}`,
    );
  }

  private isCatchingUp(): boolean {
    return this.spec.persistence?.catchup?.enabled === true;
  }

  /** Ticks up to this time that were missed stay missed. */
  private earliest(now: number): number {
    if (!this.isCatchingUp()) return now - GRACE_MS;
    const maxDuration = this.spec.persistence?.catchup?.maxDuration;
    const milliseconds = maxDuration ? parseGoDurationMs(maxDuration) : undefined;
    return milliseconds === undefined ? -Infinity : now - milliseconds;
  }

  /** Returns undefined if there is none, or if it belongs to other ticks. */
  private async formerTick({ name }: CalendarTicks): Promise<number | undefined> {
    const position = await this.context.position.read();
    return position?.of === name && typeof position.last === 'number' ? position.last : undefined;
  }

  /** Yields one delivery and waits until it is settled. */
  private async *deliver(due: readonly number[], signal: AbortSignal): AsyncIterable<Delivery> {
    const end = due.at(-1) ?? this.last;
    let isReleased = false;
    const settlement = new Promise<void>((resolve) => (this.settled = resolve));
    yield {
      events: due.map((tick) => this.toEvent(tick)),
      rejected: [],
      position: new Date(end).toISOString(),
      acknowledge: () => {
        this.last = end;
        this.position.changed();
        this.retryMs = FIRST_RETRY_MS;
        this.settled?.();
        return Promise.resolve();
      },
      release: () => {
        isReleased = true;
        this.settled?.();
        return Promise.resolve();
      },
    };
    if (signal.aborted) return;
    await settlement;
    this.settled = undefined;
    if (isReleased) await this.backOff(signal);
  }

  private toEvent(tick: number): ReceivedEvent {
    const time = new Date(tick).toISOString();
    const { metadata } = this.spec;
    const hasMetadata = metadata !== undefined && Object.keys(metadata).length > 0;
    return { transportId: time, time, data: { eventTime: goTime(time), ...(hasMetadata && { metadata }) } };
  }

  private async backOff(signal: AbortSignal): Promise<void> {
    await delay(this.retryMs, undefined, { signal }).catch(() => undefined);
    this.retryMs = Math.min(2 * this.retryMs, LONGEST_RETRY_MS);
  }
}
