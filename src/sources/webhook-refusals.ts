/**
 * Logs and shows requests refused because the worker is busy, a body slow or the Secret unreadable. Those without a valid
 * token or signature, which any scanner can send, are logged and are no problem.
 */
import { Pace } from '../concurrency/pace';

const LOG_EVERY_MS = 10_000;
/** How long the status shows the last of them. */
const SHOWN_FOR_MS = 60_000;

export type WebhookRefusal = 'busy' | 'slow' | 'secret' | 'unauthorized';

const WORDS: Readonly<Record<WebhookRefusal, string>> = {
  busy: 'answered 503, as too many requests wait or are being read',
  slow: 'answered 408, as their bodies did not arrive in time',
  secret: 'answered 500, as the Secret of authSecret cannot be read',
  unauthorized: 'answered 401 or 403, as their token or signature is missing or wrong',
};

export class WebhookRefusals {
  private counts = new Map<WebhookRefusal, number>();
  private firstAt = 0;
  private lastAt = -Infinity;
  private lastProblemAt = -Infinity;
  private readonly logPace = new Pace(LOG_EVERY_MS);

  constructor(private readonly log: (message: string) => void) {}

  note(refusal: WebhookRefusal, now = Date.now()): void {
    if (now - this.lastAt > SHOWN_FOR_MS) {
      this.counts = new Map();
      this.firstAt = now;
    }
    this.lastAt = now;
    if (refusal !== 'unauthorized') this.lastProblemAt = now;
    this.counts.set(refusal, (this.counts.get(refusal) ?? 0) + 1);
    if (this.logPace.isDue(now)) this.log(this.describe());
  }

  /** Returns undefined if all is well. */
  problem(now = Date.now()): string | undefined {
    return now - this.lastProblemAt > SHOWN_FOR_MS ? undefined : this.describe();
  }

  private describe(): string {
    const parts = [...this.counts].map(([refusal, count]) => `${count} ${WORDS[refusal]}`);
    return `requests refused since ${new Date(this.firstAt).toISOString()}: ${parts.join('; ')}`;
  }
}
