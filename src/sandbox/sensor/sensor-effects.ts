/** What a sensor must do about a change of its dependency state: start runs, record decisions. Pure. */
import type { EventBusDefinition, SensorDefinition } from '../../contract/definitions';
import type { JoinedRun } from '../../contract/run-start';
import type { DecisionRecord } from '../../records/decision-record';
import type { DependencyStateSpec, StateChange } from './dependency-state-types';
import type { RememberedEvent } from './held-contents';
import { joinedRuns, parkedRun } from './joined-runs';
import { recordsOfNote, recordsOfRun } from './sensor-records';

export interface SensorEffects {
  readonly bus: EventBusDefinition;
  readonly runs: readonly JoinedRun[];
  readonly records: readonly DecisionRecord[];
}

/** `former`: the definition with the triggers that the current one lacks. */
export function effectsOf(
  change: StateChange<RememberedEvent>,
  { triggers }: DependencyStateSpec,
  current: SensorDefinition,
  former: SensorDefinition,
): SensorEffects {
  const isLimited = (name: string): boolean =>
    triggers.some((trigger) => trigger.name === name && (trigger.concurrency ?? trigger.group) !== undefined);
  const fired = joinedRuns(current, change.fires, isLimited);
  const has = (name: string): boolean => current.spec.triggers.some(({ template }) => template.name === name);
  const parked = change.parked.map((events) => parkedRun(has(events.trigger) ? current : former, events));
  const records = [...change.notes.flatMap((note) => recordsOfNote(current, note)), ...fired.flatMap(recordsOfRun)];
  const wanted = current.options.decisions;
  return {
    bus: current.bus,
    runs: [...fired, ...parked],
    records: records.filter(({ decision }) => wanted === 'all' || (wanted === 'problems' && decision === 'discarded')),
  };
}
