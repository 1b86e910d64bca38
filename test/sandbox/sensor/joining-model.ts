/**
 * How a sensor joins events, said as simply as possible: lists that are searched from end to end, nothing forgotten.
 * The property tests hold the real state machine to it.
 */
import { firstSatisfying, holds, namesIn, type ConditionTree } from '../conditions/condition-trees';

export const RESET_EVERY_MS = 600_000;

export interface ModelTrigger {
  readonly name: string;
  readonly tree: ConditionTree;
  /** Triggers with equal expressions keep their state when the spec changes. */
  readonly expression: string;
  readonly keep: 'latest' | 'all';
  readonly correlated: boolean;
  readonly windowMs: number | undefined;
  readonly resets: boolean;
}

export interface ModelEvent {
  readonly dependency: string;
  readonly key: string;
  readonly time: number;
  readonly receivedAt: number;
  readonly correlationKey: string;
}

/** Lines such as `fire t a1+b2`, `park t a1`, `reset t a1`, `replace t a1`, `purge t a1`. */
export type ModelEffects = string[];

export class JoiningModel {
  private seen: string[] = [];
  private held = new Map<string, ModelEvent[]>();
  private lastReset = new Map<string, number>();

  constructor(private triggers: readonly ModelTrigger[]) {}

  observe(event: ModelEvent): ModelEffects {
    const interested = this.triggers.filter(({ tree }) => namesIn(tree).includes(event.dependency));
    const id = `${event.dependency} ${event.key}`;
    if (interested.length === 0 || this.seen.includes(id)) return [];
    this.seen.push(id);
    return interested.flatMap((trigger) => [...this.settle(trigger, event.receivedAt), ...this.take(trigger, event)]);
  }

  advance(now: number): ModelEffects {
    return this.triggers.flatMap((trigger) => this.settle(trigger, now));
  }

  /** `changed` are dependencies whose definition is another one now. */
  reconcile(triggers: readonly ModelTrigger[], changed: readonly string[], now: number): ModelEffects {
    const effects = this.advance(now);
    for (const before of this.triggers) {
      const after = triggers.find(({ name }) => name === before.name);
      const keepsState =
        after !== undefined && after.expression === before.expression && after.correlated === before.correlated;
      const held = this.heldBy(before);
      const purged = held.filter(({ dependency }) => !keepsState || changed.includes(dependency));
      effects.push(...purged.map(({ key }) => `purge ${before.name} ${key}`));
      this.held.set(
        before.name,
        held.filter((event) => !purged.includes(event)),
      );
      if (after === undefined) this.lastReset.delete(before.name);
      // Queues shrink to the latest event of each group.
      if (after?.keep === 'latest') {
        const kept: ModelEvent[] = [];
        for (const event of this.heldBy(after)) {
          const earlier = kept.find((other) => other.dependency === event.dependency && this.meet(after, other, event));
          if (earlier) {
            effects.push(`replace ${after.name} ${earlier.key}`);
            kept.splice(kept.indexOf(earlier), 1);
          }
          kept.push(event);
        }
        this.held.set(after.name, kept);
      }
    }
    this.triggers = triggers;
    return effects;
  }

  allHeld(): string[] {
    return this.triggers.flatMap((trigger) => this.heldBy(trigger).map(({ key }) => `hold ${trigger.name} ${key}`));
  }

  private settle(trigger: ModelTrigger, now: number): ModelEffects {
    const { name, windowMs } = trigger;
    const effects: ModelEffects = [];
    const drop = (verb: string, isOver: (event: ModelEvent) => boolean): void => {
      const over = this.heldBy(trigger).filter(isOver);
      effects.push(...over.map(({ key }) => `${verb} ${name} ${key}`));
      this.held.set(
        name,
        this.heldBy(trigger).filter((event) => !over.includes(event)),
      );
    };
    if (windowMs !== undefined) drop('park', ({ receivedAt }) => now - receivedAt >= windowMs);
    const tick = periodOf(now);
    if (trigger.resets && tick > (this.lastReset.get(name) ?? 0)) {
      this.lastReset.set(name, tick);
      drop('reset', ({ time }) => periodOf(time) < tick);
    }
    return effects;
  }

  private take(trigger: ModelTrigger, event: ModelEvent): ModelEffects {
    const { name, tree, keep } = trigger;
    if (!isJoin(tree)) return [`fire ${name} ${event.key}`];
    const effects: ModelEffects = [];
    let held = this.heldBy(trigger);
    if (keep === 'latest') {
      const replaced = held.filter(
        (other) => other.dependency === event.dependency && this.meet(trigger, other, event),
      );
      effects.push(...replaced.map(({ key }) => `replace ${name} ${key}`));
      held = held.filter((other) => !replaced.includes(other));
    }
    held = [...held, event];
    this.held.set(name, held);
    const group = held.filter((other) => this.meet(trigger, other, event));
    const present = [...new Set(group.map(({ dependency }) => dependency))];
    if (!holds(tree, present)) return effects;
    const used = keep === 'latest' ? present : firstSatisfying(tree, present);
    const fired = used.flatMap((dependency) => group.filter((other) => other.dependency === dependency).slice(0, 1));
    this.held.set(
      name,
      held.filter((other) => !fired.includes(other)),
    );
    return [
      ...effects,
      `fire ${name} ${fired
        .map(({ key }) => key)
        .sort()
        .join('+')}`,
    ];
  }

  private meet(trigger: ModelTrigger, left: ModelEvent, right: ModelEvent): boolean {
    const isSamePeriod = !trigger.resets || periodOf(left.time) === periodOf(right.time);
    return isSamePeriod && (!trigger.correlated || left.correlationKey === right.correlationKey);
  }

  private heldBy({ name }: ModelTrigger): ModelEvent[] {
    return this.held.get(name) ?? [];
  }
}

function periodOf(time: number): number {
  return Math.floor(time / RESET_EVERY_MS) * RESET_EVERY_MS;
}

function isJoin(tree: ConditionTree): boolean {
  return typeof tree !== 'string' && (tree.operator === '&&' || isJoin(tree.left) || isJoin(tree.right));
}
