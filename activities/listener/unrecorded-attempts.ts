/**
 * Attempts that listeners of this worker made while Temporal did not accept the run. Passed on when the bus redelivers
 * the event, so that an object that was finished and deleted meanwhile is not created a second time, and no request is
 * sent a second time.
 */
import type { FireAttempt, TimedAttempt } from '../../src/contract/fires';
import type { FirstAttempt } from '../../src/sandbox/run/trigger-traits';

export interface MadeAttempt {
  readonly attempt: TimedAttempt | FireAttempt;
  /** Workflow id of the run, as the object names it. */
  readonly runId: string;
  readonly kind: FirstAttempt;
}

/** Far more than all listeners of a worker have in flight. Entries remain if another worker handles the event. */
const MOST = 10_000;

export class UnrecordedAttempts {
  private readonly attempts = new Map<string, MadeAttempt>();

  /** Failed attempts that may be repeated are not kept: they are made again. */
  keep(fireId: string, made: MadeAttempt): void {
    const { result } = made.attempt;
    if (result === undefined && made.kind === 'repeatable') return;
    // By the time the run exists, the watch may have seen its Workflow end and found no run to signal.
    const known = result?.kind === 'object' ? { ...result, existed: true } : result;
    this.attempts.set(fireId, known === undefined ? made : { ...made, attempt: { ...made.attempt, result: known } });
    const [oldest] = this.attempts.keys();
    if (this.attempts.size > MOST && oldest !== undefined) this.attempts.delete(oldest);
  }

  get(fireId: string): MadeAttempt | undefined {
    return this.attempts.get(fireId);
  }

  forget(fireId: string): void {
    this.attempts.delete(fireId);
  }
}
