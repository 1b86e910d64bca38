/**
 * Operators' decisions about the parked fires of a run. Plain bookkeeping, no Temporal: the sensorRun workflow passes
 * on the signals that it receives and waits until a fire is decided.
 */
import { describeOverrides, type Overrides } from '../../contract/overrides';
import type { RunLedger } from './run-ledger';
import { describeRequester } from '../../text/requester-name';

/** Applies to all parked fires, to one fire, or to those of one trigger. */
interface ParkedDecision {
  readonly by: string;
  readonly why: string;
  readonly fireId?: string;
  readonly trigger?: string;
}

/** Requests that parked fires be fired again. */
export interface WakeUp extends ParkedDecision {
  readonly overrides?: Overrides;
}

export class ParkedFires {
  private readonly wakeUps = new Map<string, WakeUp>();
  private readonly discarded = new Set<string>();

  constructor(private readonly ledger: RunLedger) {}

  /** Returns the text that operators see. */
  retrigger(wakeUp: WakeUp): string {
    const wanted = this.ledger.parked(wakeUp);
    for (const id of wanted) this.wakeUps.set(id, wakeUp);
    const { by, why, overrides } = wakeUp;
    return `retriggered by ${describeRequester(by)}: ${why}${describeOverrides(overrides)}${wanted.length === 0 ? NOTHING_PARKED : ''}`;
  }

  /** Affects only fires parked now: later failures need their own decision. Returns the text that operators see. */
  discard(decision: ParkedDecision): string {
    const { by, why } = decision;
    const parked = this.ledger.parked(decision);
    for (const id of parked) this.discarded.add(id);
    return `discarded by ${describeRequester(by)}: ${why}${parked.length === 0 ? NOTHING_PARKED : ''}`;
  }

  isDecided(fireId: string): boolean {
    return this.discarded.has(fireId) || this.wakeUps.has(fireId);
  }

  /** Returns and removes the decision; undefined if there is none. Discarding takes precedence over retriggering. */
  takeDecision(fireId: string): WakeUp | 'discarded' | undefined {
    const wakeUp = this.wakeUps.get(fireId);
    this.wakeUps.delete(fireId);
    return this.discarded.delete(fireId) ? 'discarded' : wakeUp;
  }
}

const NOTHING_PARKED = ' (nothing was parked)';
