/**
 * How many events a second the event sources of one namespace may bring in, on one worker. What is above it is not
 * lost: it is read later, so senders that wait for an answer, and brokers, hold it.
 */
import { setTimeout as delay } from 'node:timers/promises';

const VARIABLE = 'SLUICE_EVENTS_PER_SECOND';
/** So much of the quota that was not used may be used at once. */
const BURST_MS = 1_000;
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

  /**
   * Resolves to the milliseconds that it waited: until the quota has room, or `signal` aborts. Several events may take
   * what will be free later; the next then waits the longer.
   */
  async take(events: number, signal: AbortSignal, now = performance.now()): Promise<number> {
    const begin = Math.max(this.freeAt, now - BURST_MS);
    this.freeAt = begin + (events * 1_000) / this.perSecond;
    const waitMs = begin - now;
    if (waitMs <= 0 || signal.aborted) return 0;
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    return performance.now() - now;
  }
}

/** What one source takes from the quota of its namespace, and whether it is held back. */
export class SourceQuota {
  private waiting: { readonly since: number; until: number } | undefined;

  constructor(private readonly quota: EventQuota) {}

  /** As `EventQuota.take`. */
  async take(events: number, signal: AbortSignal): Promise<number> {
    const now = performance.now();
    if (this.isReleased(now)) this.waiting = undefined;
    const since = this.waiting?.since ?? now;
    this.waiting = { since, until: Number.POSITIVE_INFINITY };
    const waitedMs = await this.quota.take(events, signal, now);
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
