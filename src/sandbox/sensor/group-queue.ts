/** The fires of one sensor that need a place in one concurrency group: those that wait, and those that have one. */
import type { GroupShare } from '../../contract/group-messages';
import type { EventReference, StateFire } from './dependency-state-types';
import { countEvents, placeInQueue, type ConcurrencyDecision } from './trigger-concurrency';

/** A safeguard, as for a limited trigger: back-pressure sets in long before. */
const MAX_WAITING = 2_000;
/** While fires wait, their share is reported again this often, in case the group has forgotten it. */
const REPEAT_MS = 300_000;

/** Plain JSON. */
export interface GroupQueueSnapshot<E> {
  /** Next one first. */
  readonly waiting: readonly StateFire<E>[];
  readonly asked: readonly string[];
  /** Fire id → its place. */
  readonly holding: Readonly<Record<string, HeldPlace>>;
  /** Places asked for so far: each has the number as its name. */
  readonly places: number;
  readonly sequence: number;
  readonly reportedAt: number;
}

interface HeldPlace {
  readonly place: string;
  readonly run?: string;
}

export class GroupQueue<E extends EventReference> {
  readonly waiting: StateFire<E>[];
  private asked: string[];
  private readonly holding: Map<string, HeldPlace>;
  private places: number;
  private sequence: number;
  private reportedAt: number;
  private mustReport: boolean;

  /** `limit`: undefined if no trigger is in the group any more. */
  constructor(
    readonly name: string,
    private limit: number | undefined,
    snapshot?: GroupQueueSnapshot<E>,
  ) {
    this.waiting = [...(snapshot?.waiting ?? [])];
    this.asked = [...(snapshot?.asked ?? [])];
    this.holding = new Map(Object.entries(snapshot?.holding ?? {}));
    this.places = snapshot?.places ?? 0;
    this.sequence = snapshot?.sequence ?? 0;
    this.reportedAt = snapshot?.reportedAt ?? 0;
    // Continue-as-new waits until everything is reported.
    this.mustReport = snapshot === undefined;
  }

  add(fire: StateFire<E>): Exclude<ConcurrencyDecision, { kind: 'run' }> {
    if (this.waiting.length >= MAX_WAITING) return { kind: 'refuse' };
    const ahead = placeInQueue(this.waiting, fire);
    this.waiting.splice(ahead, 0, fire);
    this.mustReport = true;
    return { kind: 'wait', ahead };
  }

  /** Returns the fires that have a place now. A place for which nothing waits any more goes back. */
  given(places: readonly string[]): StateFire<E>[] {
    this.mustReport = true;
    return places.flatMap((place) => {
      if (!this.asked.includes(place)) return [];
      this.asked = this.asked.filter((other) => other !== place);
      const fire = this.waiting.shift();
      if (fire === undefined) return [];
      this.holding.set(fire.id, { place });
      return [fire];
    });
  }

  /** Ids of the fires that have these places. */
  holdersOf(places: readonly string[]): string[] {
    return [...this.holding].filter(([, { place }]) => places.includes(place)).map(([fireId]) => fireId);
  }

  finished(fireId: string): void {
    if (this.holding.delete(fireId)) this.mustReport = true;
  }

  /** The run that carries a fire. */
  startedIn(fireId: string, run: string): void {
    const held = this.holding.get(fireId);
    if (held === undefined) return;
    this.holding.set(fireId, { ...held, run });
    this.mustReport = true;
  }

  setLimit(limit: number | undefined): void {
    if (limit === this.limit) return;
    this.limit = limit;
    this.mustReport = true;
  }

  /** Takes all waiting fires out of the queue. */
  removeWaiting(): StateFire<E>[] {
    if (this.waiting.length > 0) this.mustReport = true;
    return this.waiting.splice(0);
  }

  advance(now: number): void {
    if (now >= (this.nextDeadline() ?? Infinity)) this.mustReport = true;
  }

  nextDeadline(): number | undefined {
    return this.waiting.length === 0 ? undefined : this.reportedAt + REPEAT_MS;
  }

  hasReport(): boolean {
    return this.mustReport;
  }

  takeReport(now: number): GroupShare {
    const { limit } = this;
    const wanted = Math.min(this.waiting.length, limit ?? 0);
    while (this.asked.length < wanted) this.asked.push(`${(this.places += 1)}`);
    this.mustReport = false;
    this.reportedAt = now;
    return {
      group: this.name,
      sequence: (this.sequence += 1),
      ...(limit !== undefined && { limit }),
      waiting: this.waiting.length,
      asked: [...this.asked],
      holding: Object.fromEntries([...this.holding.values()].map(({ place, run }) => [place, run ?? null])),
    };
  }

  /** True if it was left, and everything is returned. */
  isOver(): boolean {
    return this.limit === undefined && this.waiting.length + this.asked.length + this.holding.size === 0;
  }

  waitingEvents(): number {
    return this.waiting.reduce((total, fire) => total + countEvents(fire), 0);
  }

  view(): { readonly name: string; readonly limit?: number; readonly waiting: number; readonly holding: number } {
    return {
      name: this.name,
      ...(this.limit !== undefined && { limit: this.limit }),
      waiting: this.waiting.length,
      holding: this.holding.size,
    };
  }

  /** Fires of one trigger that have a place. */
  runningOf(trigger: string): number {
    return [...this.holding.keys()].filter((fireId) => fireId.slice(0, fireId.lastIndexOf('/')) === trigger).length;
  }

  snapshot(): GroupQueueSnapshot<E> {
    const { waiting, asked, places, sequence, reportedAt } = this;
    return { waiting, asked, holding: Object.fromEntries(this.holding), places, sequence, reportedAt };
  }
}
