/**
 * How many events a second the event sources of one namespace may bring in, on one worker. What is above it
 * is read later: as while the bus is slow, brokers keep it, callers of webhooks are told to try again after a while.
 */
import { setTimeout as delay } from 'node:timers/promises';

const VARIABLE = 'SLUICE_EVENTS_PER_SECOND';
/** So much of the quota that was not used may be used at once. */
const BURST_MS = 1_000;
/** How long the turn of a source lasts, in time of the quota. */
const TURN_MS = 50;
/** A source that is held back for so long is told to the operator. */
const HELD_BACK_MS = 5_000;
/** A source that has not waited for so long is not held back any more. */
const RELEASED_MS = 1_000;

/** @returns undefined without a limit. Throws if the variable cannot be read; workers call it when they start. */
export function readEventQuota(environment: NodeJS.ProcessEnv = process.env): number | undefined {
  const text = environment[VARIABLE]?.trim() ?? '';
  if (text === '') return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text)) {
    throw new Error(`${VARIABLE}: expected a whole number of events a second, from 1, found "${text}"`);
  }
  return Number(text);
}

export class EventQuota {
  /** What an operator is told about a source that the quota holds back. */
  readonly problem: string;
  private freeAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly perSecond: number) {
    this.problem = `held back: its namespace may bring ${perSecond} events a second (${VARIABLE})`;
  }

  /** So many are taken at once, and then it is another source's turn. */
  get portion(): number {
    return Math.max(1, Math.floor((this.perSecond * TURN_MS) / 1_000));
  }

  /** Resolves to the milliseconds that it waited: until the quota has room for `events`, or `signal` aborts. */
  async take(events: number, signal: AbortSignal, now = performance.now()): Promise<number> {
    if (signal.aborted) return 0;
    const begin = Math.max(this.freeAt, now - BURST_MS);
    this.freeAt = begin + (events * 1_000) / this.perSecond;
    const waitMs = begin - now;
    if (waitMs <= 0) return 0;
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    return performance.now() - now;
  }
}

/** What one source owes to the quota of its namespace: it pays for a delivery before it reads the next one. */
export class SourceQuota {
  private owed = 0;
  private waiting: { readonly since: number; until: number } | undefined;

  constructor(private readonly quota: EventQuota) {}

  owe(events: number): void {
    this.owed += events;
  }

  /**
   * Resolves to the milliseconds that it waited. In turns with the other sources of the namespace, so that one event of
   * theirs does not wait for all of a large delivery.
   */
  async pay(signal: AbortSignal): Promise<number> {
    const now = performance.now();
    if (this.isReleased(now)) this.waiting = undefined;
    const since = this.waiting?.since ?? now;
    this.waiting = { since, until: Number.POSITIVE_INFINITY };
    let waitedMs = 0;
    while (this.owed > 0 && !signal.aborted) {
      const portion = Math.min(this.owed, this.quota.portion);
      this.owed -= portion;
      waitedMs += await this.quota.take(portion, signal);
    }
    this.waiting = waitedMs === 0 ? undefined : { since, until: performance.now() };
    return waitedMs;
  }

  /** What the operator is told; undefined if the source is not held back, or not for long. */
  problem(now = performance.now()): string | undefined {
    const isHeldBack = this.waiting !== undefined && !this.isReleased(now) && now - this.waiting.since > HELD_BACK_MS;
    return isHeldBack ? this.quota.problem : undefined;
  }

  private isReleased(now: number): boolean {
    return this.waiting !== undefined && now - this.waiting.until > RELEASED_MS;
  }
}

/** The quotas of all namespaces of a worker. */
export class EventQuotas {
  private readonly byNamespace = new Map<string, EventQuota>();

  constructor(private readonly perSecond = readEventQuota()) {}

  of(namespace: string): EventQuota | undefined {
    if (this.perSecond === undefined) return undefined;
    const quota = this.byNamespace.get(namespace) ?? new EventQuota(this.perSecond);
    this.byNamespace.set(namespace, quota);
    return quota;
  }
}
