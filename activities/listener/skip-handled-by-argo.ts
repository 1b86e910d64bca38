/** Leaves out what Argo Events had done with an event before its sensor moved here. Pure. */
import { isHandledByArgo, type ArgoPosition, type PlaceOnBus } from '../../src/bus/argo-positions';
import type { SensorPlan } from '../../src/sandbox/sensor/sensor-plan';
import type { ObjectName } from '../../src/contract/definitions';
import { describeIncoming, type EventDecision } from './decide-fires';

const REASON = 'Argo Events handled it before the sensor moved here';

/** Its fires and observations are left out by trigger and dependency, and recorded as duplicates. */
export function skipHandledByArgo(
  sensor: ObjectName,
  plan: SensorPlan,
  decision: EventDecision,
  place: PlaceOnBus,
  positions: readonly ArgoPosition[],
): EventDecision {
  const { incoming } = decision;
  const isHandled = (trigger: string, dependency: string): boolean =>
    isHandledByArgo(positions, trigger, dependency, place);
  const fires = decision.fires.filter(({ trigger, dependency }) => !isHandled(trigger, dependency));
  const joining = new Set(plan.state.triggers.map(({ name }) => name));
  const observations = decision.observations.flatMap((observation) => {
    const { dependency } = observation;
    const asking = positions.filter((known) => known.dependency === dependency && joining.has(known.trigger));
    const except = asking.map(({ trigger }) => trigger).filter((trigger) => isHandled(trigger, dependency));
    if (except.length === 0) return [observation];
    return except.length === asking.length ? [] : [{ ...observation, except }];
  });
  const left = decision.fires.length - fires.length + decision.observations.length - observations.length;
  if (left === 0) return { ...decision, observations };
  const record = { ...describeIncoming(sensor, incoming, Date.now()), decision: 'duplicate' as const, reason: REASON };
  return { ...decision, fires, observations, records: [...decision.records, record] };
}
