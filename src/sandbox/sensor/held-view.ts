/** What joined, collecting and limited triggers hold, as the query `dependencies` returns it. Pure. */
import type { HeldDependencies } from '../../contract/sensor-messages';
import { conditionDependencies, parseCondition } from '../conditions/conditions';
import type { EventReference, TriggerView } from './dependency-state-types';

/** Over all triggers: Temporal limits the result of a query to 2 MB. */
const SHOWN_EVENTS = 4_000;

export function viewHeld(views: ReadonlyArray<TriggerView<EventReference>>): HeldDependencies[] {
  const shown = Math.ceil(SHOWN_EVENTS / Math.max(1, views.length));
  return views.map((view) => viewTrigger(view, shown));
}

function viewTrigger(
  { trigger, condition, held, collected, waiting, running }: TriggerView<EventReference>,
  shown: number,
): HeldDependencies {
  const names = new Set(held.map(({ dependency }) => dependency));
  const more = held.length - shown;
  return {
    trigger,
    condition,
    held: held.slice(0, shown).map(({ dependency, event }) => ({ dependency, eventKey: event.key, time: event.time })),
    waitingFor: conditionDependencies(parseCondition(condition)).filter((name) => !names.has(name)),
    ...(more > 0 && { more }),
    ...(collected > 0 && { collected }),
    ...(waiting > 0 && { waiting }),
    ...(running > 0 && { running }),
  };
}
