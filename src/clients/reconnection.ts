/** A connection that is opened again whenever it fails: with back-off, and only as long as waiting can help. */
import { setTimeout as delay } from 'node:timers/promises';
import { Pace } from '../concurrency/pace';
import type { ConnectionOwner } from './connection-owner';

/**
 * - transient: the same connection parameters may work later;
 * - credentials: refused as they are now; they may be changing on the server and in the Secret, one after the other;
 * - permanent: an operator must change the server or the manifest.
 */
export type FailureVerdict = 'transient' | 'credentials' | 'permanent';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const SETTLED_AFTER_MS = 5_000;
const LOG_EVERY_MS = 5_000;
/** A Secret is cached for ten seconds. */
const REFUSED_FOR_MS = 12_000;

export class Reconnection {
  private failure: string | undefined;
  private failures = 0;
  private readyAt = 0;
  private refusedSince: number | undefined;
  private hasWorked = false;
  private workedSince: number | undefined;
  private readonly logPace = new Pace(LOG_EVERY_MS);

  constructor(
    /** As in messages: `NATS at host:4222`. */
    private readonly server: string,
    private readonly log: ConnectionOwner['log'],
  ) {}

  /** Returns undefined while the connection works. */
  problem(): string | undefined {
    return this.failure === undefined ? undefined : `${this.server}: ${this.failure}`;
  }

  /** Waits until the next attempt is due. Rejects when the signal aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    await delay(Math.max(0, this.readyAt - performance.now()), undefined, { signal, ref: false });
  }

  /** Called when the connection does what it is for. */
  worked(): void {
    if (!this.hasWorked) this.log('info', `connected to ${this.server}`);
    else if (this.failure !== undefined) this.log('info', `${this.server} is back`);
    this.hasWorked = true;
    this.workedSince ??= performance.now();
    this.failure = undefined;
    this.refusedSince = undefined;
    this.logPace.reset();
  }

  /** Called when opening failed or the connection ended. Returns false if waiting cannot help. */
  failed(reason: string, verdict: FailureVerdict): boolean {
    this.failure = reason;
    // A connection that works only for a moment each time is a recurring fault.
    if (this.workedSince !== undefined && performance.now() - this.workedSince > SETTLED_AFTER_MS) this.failures = 0;
    this.workedSince = undefined;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.failures, LONGEST_PAUSE_MS);
    this.failures += 1;
    // Many sources may lose one server at the same moment.
    this.readyAt = performance.now() + pauseMs * (0.75 + Math.random() / 4);
    if (this.logPace.isDue()) this.log('warn', `${this.hasWorked ? 'lost' : 'waiting for'} ${this.server}: ${reason}`);
    return this.mayPass(verdict);
  }

  private mayPass(verdict: FailureVerdict): boolean {
    switch (verdict) {
      case 'transient':
        this.refusedSince = undefined;
        return true;
      case 'permanent':
        return false;
      case 'credentials':
        this.refusedSince ??= performance.now();
        return this.hasWorked && performance.now() - this.refusedSince <= REFUSED_FOR_MS;
    }
  }
}
