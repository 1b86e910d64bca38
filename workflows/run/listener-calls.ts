/** First attempts that the listener had begun, and whose responses it had not, when it started the run. */
import { condition, patched } from '@temporalio/workflow';
import type { CallUnderWay, FireAttempt, ListenerAttempts, TimedAttempt } from '../../src/contract/fires';
import { lostAttempt } from '../../src/sandbox/run/listener-attempts';

/** After an outage of Temporal, timers fire before the worker has reported what happened meanwhile. */
const GRACE_MS = 15_000;
/** A worker of an earlier version ignores them: it made these attempts by activities. */
const CALLS_UNDER_WAY = 'calls-under-way';

export class ListenerCalls {
  private readonly calls: ReadonlyMap<string, CallUnderWay>;
  private readonly attempts = new Map<string, TimedAttempt>();

  constructor(private readonly byListener: ListenerAttempts | undefined) {
    const { underWay = [] } = byListener ?? {};
    const calls = underWay.length > 0 && patched(CALLS_UNDER_WAY) ? underWay : [];
    this.calls = new Map(calls.map((call) => [call.fireId, call]));
  }

  has(fireId: string): boolean {
    return this.calls.has(fireId);
  }

  /** Keeps the first report of each call. */
  take(attempts: readonly TimedAttempt[]): readonly TimedAttempt[] {
    const news = attempts.filter(({ fireId }) => this.calls.has(fireId) && !this.attempts.has(fireId));
    for (const attempt of news) this.attempts.set(attempt.fireId, attempt);
    return news;
  }

  /** Resolves to a failure if the worker does not report in time. Undefined for a fire that has no call. */
  async attempted(fireId: string): Promise<FireAttempt | undefined> {
    const call = this.calls.get(fireId);
    if (call === undefined) return undefined;
    const isKnown = (): boolean => this.attempts.has(fireId);
    const summary = 'until the listener reports the response';
    // The worker's clock may differ from the server's, so it counts from now.
    const waitMs = Math.max(1, Date.parse(call.until) - Date.parse(call.at));
    const isReported =
      (await condition(isKnown, waitMs, { summary })) || (await condition(isKnown, GRACE_MS, { summary }));
    const lost = lostAttempt(fireId, call.at, this.byListener?.worker ?? '');
    return isReported ? (this.attempts.get(fireId) ?? lost) : lost;
  }
}
