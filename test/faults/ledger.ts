/** What was published, and what came of it. Pure. */
import { flowOf } from './flows';

export interface Entry {
  readonly eventName: string;
  readonly n: number;
  /** As Sluice knows it: `<event source>/<event name>:<stream>:<entry id>`. */
  readonly eventKey: string;
}

/** What can be seen from outside. */
export interface Observation {
  /** `<event name>:<n>` → names of the effects that carry it. */
  readonly effects: ReadonlyMap<string, ReadonlySet<string>>;
  /** Event keys in parked fires. */
  readonly parked: ReadonlySet<string>;
  /** Event key → decisions about it. */
  readonly decisions: ReadonlyMap<string, ReadonlySet<string>>;
}

export type Fate = 'effect' | 'doubled' | 'parked' | 'decided' | 'lost outside' | 'held' | 'missing';

/** Decisions after which nothing more happens with an event. */
const FINAL_DECISIONS = new Set(['filtered', 'failed', 'rejected', 'discarded', 'expired', 'unmatched']);

export class Ledger {
  private readonly entries = new Map<string, Entry>();
  /** A fault outside may have taken them before Sluice could have them. */
  private readonly atRisk = new Set<string>();

  get published(): number {
    return this.entries.size;
  }

  record(entry: Entry): void {
    this.entries.set(markOf(entry), entry);
  }

  /** From now on it is no fault of Sluice if these have no effect; two effects would still be one. */
  putAtRisk(marks: Iterable<string>): void {
    for (const mark of marks) this.atRisk.add(mark);
  }

  fates({ effects, parked, decisions }: Observation): Map<Entry, Fate> {
    const fateOf = (entry: Entry): Fate => {
      const mark = markOf(entry);
      const count = effects.get(mark)?.size ?? 0;
      if (count > 1) return 'doubled';
      if (count === 1) return 'effect';
      if (parked.has(entry.eventKey)) return 'parked';
      const decided = [...(decisions.get(entry.eventKey) ?? [])];
      if (decided.some((decision) => FINAL_DECISIONS.has(decision))) return 'decided';
      return this.atRisk.has(mark) ? 'lost outside' : 'missing';
    };
    const fates = new Map([...this.entries.values()].map((entry) => [entry, fateOf(entry)]));
    for (const [entry, fate] of fates) {
      if (fate === 'missing' && this.lacksPartner(entry, fates, decisions)) fates.set(entry, 'held');
    }
    return fates;
  }

  /** It waits for an event that was lost outside, and rightly does. */
  private lacksPartner(entry: Entry, fates: ReadonlyMap<Entry, Fate>, decisions: Observation['decisions']): boolean {
    const { name, eventNames } = flowOf(entry.eventName);
    if (eventNames.length === 1 || decisions.get(entry.eventKey)?.has('joined') !== true) return false;
    return [...fates].some(
      ([other, fate]) =>
        fate === 'lost outside' &&
        other.eventName !== entry.eventName &&
        eventNames.includes(other.eventName) &&
        (name === 'three' || other.n === entry.n),
    );
  }
}

export function markOf({ eventName, n }: Pick<Entry, 'eventName' | 'n'>): string {
  return `${eventName}:${n}`;
}

export function entriesWith(fates: ReadonlyMap<Entry, Fate>, wanted: Fate): Entry[] {
  return [...fates].filter(([, fate]) => fate === wanted).map(([entry]) => entry);
}
