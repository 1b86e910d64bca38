/** The concurrency groups of a sensor: its fires that need a place there start when the group gives one. */
import type { GroupShare } from '../../contract/group-messages';
import type { EventPlace, SensorGroup } from '../../contract/sensor-messages';
import type { EventReference, StateChange, StatefulTrigger, StateFire } from './dependency-state-types';
import { GroupQueue, type GroupQueueSnapshot } from './group-queue';
import { stateEventsOf } from './trigger-concurrency';

export type SensorGroupsSnapshot<E> = Readonly<Record<string, GroupQueueSnapshot<E>>>;

interface Held<E> {
  readonly free: StateFire<E>[];
  /** Ids of fires that are parked. */
  readonly refused: string[];
}

export class SensorGroups<E extends EventReference> {
  private readonly queues = new Map<string, GroupQueue<E>>();
  private groupOf: ReadonlyMap<string, string> = new Map();

  constructor(triggers: readonly StatefulTrigger[], snapshot: SensorGroupsSnapshot<E> = {}) {
    for (const [name, queue] of Object.entries(snapshot)) {
      this.queues.set(name, new GroupQueue(name, limitOf(triggers, name), queue));
    }
    this.join(triggers);
  }

  /** Queues these fires if they need a place; returns those that do not. `change` receives notes and parked events. */
  hold(fires: readonly StateFire<E>[], change: StateChange<E>): Held<E> {
    const held: Held<E> = { free: [], refused: [] };
    for (const fire of fires) {
      const queue = this.queueOf(fire.trigger);
      if (queue === undefined) held.free.push(fire);
      else if (!this.queue(fire, queue, change)) held.refused.push(fire.id);
    }
    return held;
  }

  given(group: string, places: readonly string[]): StateFire<E>[] {
    return this.queues.get(group)?.given(places) ?? [];
  }

  holdersOf(group: string, places: readonly string[]): string[] {
    return this.queues.get(group)?.holdersOf(places) ?? [];
  }

  finished(fireId: string): void {
    for (const queue of this.queues.values()) queue.finished(fireId);
  }

  startedIn(fireId: string, run: string): void {
    for (const queue of this.queues.values()) queue.startedIn(fireId, run);
  }

  /** Fires whose trigger is in another group now, or in none, leave the queue; those of a removed trigger are parked. */
  reconcile(
    triggers: readonly StatefulTrigger[],
    renamed: ReadonlyMap<string, string>,
    parkRemoved: boolean,
    change: StateChange<E>,
  ): void {
    const names = new Set(triggers.map(({ name }) => name));
    const moved = [...this.queues.values()].flatMap((queue) => queue.removeWaiting());
    for (const queue of this.queues.values()) queue.setLimit(limitOf(triggers, queue.name));
    this.join(triggers);
    for (const fire of moved) {
      const trigger = renamed.get(fire.trigger) ?? fire.trigger;
      if (names.has(trigger)) change.fires.push({ ...fire, trigger });
      else if (parkRemoved) change.parked.push(toParked(fire, 'trigger-removed'));
      else {
        for (const [dependency, event] of stateEventsOf(fire)) {
          change.notes.push({ kind: 'purged', trigger, dependency, event, reason: 'trigger-removed' });
        }
      }
    }
  }

  advance(now: number): void {
    for (const queue of this.queues.values()) queue.advance(now);
  }

  nextDeadline(): number | undefined {
    const deadlines = [...this.queues.values()].flatMap((queue) => queue.nextDeadline() ?? []);
    return deadlines.length === 0 ? undefined : Math.min(...deadlines);
  }

  hasShares(): boolean {
    return [...this.queues.values()].some((queue) => queue.hasReport());
  }

  takeShares(now: number): GroupShare[] {
    const shares = [...this.queues.values()].filter((queue) => queue.hasReport()).map((queue) => queue.takeReport(now));
    for (const queue of [...this.queues.values()]) if (queue.isOver()) this.queues.delete(queue.name);
    return shares;
  }

  /** The last shares of a deleted sensor: its runs keep their places until they end. */
  lastShares(now: number): GroupShare[] {
    return [...this.queues.values()].map((queue) => ({
      ...queue.takeReport(now),
      ...{ asked: [], waiting: 0, ended: true },
    }));
  }

  waitingEvents(): number {
    return [...this.queues.values()].reduce((total, queue) => total + queue.waitingEvents(), 0);
  }

  placesOf(eventKey: string): Array<EventPlace & { readonly trigger: string }> {
    return [...this.queues.values()].flatMap((queue) =>
      queue.waiting.flatMap((fire, ahead) =>
        stateEventsOf(fire)
          .filter(([, event]) => event.key === eventKey)
          .map(([dependency]) => ({
            ...{ trigger: fire.trigger, kind: 'queued' as const, dependency, ahead },
            group: queue.name,
          })),
      ),
    );
  }

  view(): SensorGroup[] {
    return [...this.queues.values()].map((queue) => queue.view());
  }

  /** Fires of one trigger that wait for a place, and that have one. */
  countOf(trigger: string): { readonly waiting: number; readonly running: number } {
    let [waiting, running] = [0, 0];
    for (const queue of this.queues.values()) {
      waiting += queue.waiting.filter((fire) => fire.trigger === trigger).length;
      running += queue.runningOf(trigger);
    }
    return { waiting, running };
  }

  snapshot(): SensorGroupsSnapshot<E> {
    return Object.fromEntries([...this.queues].map(([name, queue]) => [name, queue.snapshot()]));
  }

  /** Returns false if the queue is full. */
  private queue(fire: StateFire<E>, queue: GroupQueue<E>, change: StateChange<E>): boolean {
    const decision = queue.add(fire);
    if (decision.kind === 'refuse') {
      change.parked.push(toParked(fire, 'too-many-waiting'));
      return false;
    }
    for (const [dependency, event] of stateEventsOf(fire)) {
      const { trigger, id: fireId } = fire;
      change.notes.push({ kind: 'queued', trigger, dependency, event, fireId, ahead: decision.ahead });
    }
    return true;
  }

  private queueOf(trigger: string): GroupQueue<E> | undefined {
    const group = this.groupOf.get(trigger);
    return group === undefined ? undefined : this.queues.get(group);
  }

  private join(triggers: readonly StatefulTrigger[]): void {
    this.groupOf = new Map(triggers.flatMap(({ name, group }) => (group ? [[name, group.name]] : [])));
    for (const name of this.groupOf.values()) {
      if (!this.queues.has(name)) this.queues.set(name, new GroupQueue(name, limitOf(triggers, name)));
    }
  }
}

/** The smallest, where triggers of one sensor differ. */
function limitOf(triggers: readonly StatefulTrigger[], name: string): number | undefined {
  const limits = triggers.flatMap(({ group }) => (group?.name === name ? [group.limit] : []));
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function toParked<E extends EventReference>(
  { trigger, dependencies, all }: StateFire<E>,
  reason: 'trigger-removed' | 'too-many-waiting',
): StateChange<E>['parked'][number] {
  return { trigger, reason, dependencies, ...(all && { all }), missing: [] };
}
