/**
 * What people decide about the fires of a run that are parked. Plain bookkeeping, no Temporal: the sensorRun workflow
 * passes on what it was told and waits until a fire is decided.
 */
import type { RunLedger } from './run-ledger';

/** Asks for what is parked to be fired again: all of it, or one fire, or those of one trigger. */
export interface WakeUp {
  readonly by: string;
  readonly why: string;
  readonly fireId?: string;
  readonly trigger?: string;
  /** Values to write into the resource or payload, by sjson path. */
  readonly overrides?: Readonly<Record<string, string>>;
}

export class ParkedFires {
  private readonly wakeUps = new Map<string, WakeUp>();
  private readonly discarded = new Set<string>();

  constructor(private readonly ledger: RunLedger) {}

  /** Answers what to tell people of it. */
  retrigger(wakeUp: WakeUp): string {
    const wanted = this.ledger.parked(wakeUp);
    for (const id of wanted) this.wakeUps.set(id, wakeUp);
    const changes = describeOverrides(wakeUp.overrides);
    return `retriggered by ${wakeUp.by}: ${wakeUp.why}${changes}${wanted.length === 0 ? NOTHING_PARKED : ''}`;
  }

  /** Only what is parked now: what fails later waits for a decision of its own. Answers what to tell people of it. */
  discard({ by, why }: Pick<WakeUp, 'by' | 'why'>): string {
    const parked = this.ledger.parked();
    for (const id of parked) this.discarded.add(id);
    return `discarded by ${by}: ${why}${parked.length === 0 ? NOTHING_PARKED : ''}`;
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

/** Which values a person replaces; what they are is in the history. */
export function describeOverrides(overrides: WakeUp['overrides']): string {
  const paths = Object.keys(overrides ?? {});
  return paths.length === 0 ? '' : ` (replacing ${paths.map((path) => `\`${path.replaceAll('`', "'")}\``).join(', ')})`;
}
