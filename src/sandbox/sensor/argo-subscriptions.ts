/** The subscriptions of a sensor in Argo Events, which has one for each trigger and dependency. Pure. */
import type { SensorSpec } from '../../manifest/sensor';
import { conditionDependencies, parseTriggerCondition } from '../conditions/conditions';

export interface DependencyOfTrigger {
  readonly trigger: string;
  readonly dependency: string;
  readonly eventSourceName: string;
  readonly eventName: string;
}

/** @throws SluiceError EXPRESSION_INVALID for a condition that does not parse. */
export function argoSubscriptions({
  dependencies,
  triggers,
}: Pick<SensorSpec, 'dependencies' | 'triggers'>): DependencyOfTrigger[] {
  const names = dependencies.map(({ name }) => name);
  return triggers.flatMap(({ template }) => {
    const wanted = new Set(conditionDependencies(parseTriggerCondition(template.conditions, names)));
    return dependencies.flatMap(({ name, eventSourceName, eventName }) =>
      wanted.has(name) ? [{ trigger: template.name, dependency: name, eventSourceName, eventName }] : [],
    );
  });
}
