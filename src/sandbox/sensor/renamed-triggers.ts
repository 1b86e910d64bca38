/** Finds the triggers that were renamed when a sensor was applied again. Pure. */
import type { DependencyStateSpec, StatefulTrigger } from './dependency-state-types';

/**
 * Old name → new name: pairs a removed trigger with an added one if they wait for the same events in the same way.
 * Several identical triggers are paired in order.
 */
export function findRenamedTriggers(
  before: DependencyStateSpec,
  after: DependencyStateSpec,
): ReadonlyMap<string, string> {
  const isIn = ({ triggers }: DependencyStateSpec, name: string): boolean =>
    triggers.some((trigger) => trigger.name === name);
  const appeared = after.triggers.filter(({ name }) => !isIn(before, name));
  const renamed = new Map<string, string>();
  for (const gone of before.triggers.filter(({ name }) => !isIn(after, name))) {
    const at = appeared.findIndex((candidate) => withoutName(candidate) === withoutName(gone));
    const [successor] = at < 0 ? [] : appeared.splice(at, 1);
    if (successor !== undefined) renamed.set(gone.name, successor.name);
  }
  return renamed;
}

function withoutName(trigger: StatefulTrigger): string {
  return JSON.stringify({ ...trigger, name: '' });
}
