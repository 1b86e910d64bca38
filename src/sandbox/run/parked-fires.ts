/**
 * What people decide about the fires of a run that are parked. Plain bookkeeping, no Temporal: the sensorRun workflow
 * passes on what it was told and waits until a fire is decided.
 */
import { describeOverrides, type Overrides } from '../../contract/overrides';
import type { RunLedger } from './run-ledger';
import { describeRequester } from '../../text/requester-name';

/** About all that is parked, or one fire, or those of one trigger. */
interface ParkedDecision {
  readonly by: string;
  readonly why: string;
  readonly fireId?: string;
  readonly trigger?: string;
}

/** Asks for what is parked to be fired again. */
export interface WakeUp extends ParkedDecision {
  readonly overrides?: Overrides;
}

export class ParkedFires {
  private readonly wakeUps = new Map<string, WakeUp>();
  private readonly discarded = new Set<string>();

  constructor(private readonly ledger: RunLedger) {}

  /** Answers what to tell people of it. */
  retrigger(wakeUp: WakeUp): string {
    const wanted = this.ledger.parked(wakeUp);
    for (const id of wanted) this.wakeUps.set(id, wakeUp);
    const { by, why, overrides } = wakeUp;
    return `retriggered by ${describeRequester(by)}: ${why}${describeOverrides(overrides)}${wanted.length === 0 ? NOTHING_PARKED : ''}`;
  }

  /** Only what is parked now: what fails later waits for a decision of its own. Answers what to tell people of it. */
  discard(decision: ParkedDecision): string {
    const { by, why } = decision;
    const parked = this.ledger.parked(decision);
    for (const id of parked) this.discarded.add(id);
    return `discarded by ${describeRequester(by)}: ${why}${parked.length === 0 ? NOTHING_PARKED : ''}`;
  }

  isDecided(fireId: string): boolean {
    return this.discarded.has(fireId) || this.wakeUps.has(fireId);
  }

  /** The decision, which is then forgotten; undefined where nobody has decided. To discard goes before to wake up. */
  takeDecision(fireId: string): WakeUp | 'discarded' | undefined {
    const wakeUp = this.wakeUps.get(fireId);
    this.wakeUps.delete(fireId);
    return this.discarded.delete(fireId) ? 'discarded' : wakeUp;
  }
}

const NOTHING_PARKED = ' (nothing was parked)';
