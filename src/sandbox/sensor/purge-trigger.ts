/** What a change of the spec leaves of a trigger's state. */
import { formatCondition, parseCondition } from '../conditions/conditions';
import type {
  DependencyStateSpec,
  EventReference,
  PurgeReason,
  StateChange,
  StatefulTrigger,
} from './dependency-state-types';
import { stateEventsOf } from './trigger-concurrency';
import type { TriggerSnapshot } from './trigger-state';

/**
 * The part of a trigger's state that survives a change of the spec, as in Argo Events: everything of a trigger whose
 * condition is the same, except for dependencies that changed or were removed. Dropped events are noted.
 */
export function purgeForChange<E extends EventReference>(
  snapshot: TriggerSnapshot<E>,
  before: { readonly spec: DependencyStateSpec; readonly trigger: StatefulTrigger },
  after: { readonly spec: DependencyStateSpec; readonly trigger: StatefulTrigger | undefined },
  change: StateChange<E>,
): TriggerSnapshot<E> {
  const trigger = before.trigger.name;
  const note = (dependency: string, event: E, reason: PurgeReason): void => {
    change.notes.push({ kind: 'purged', trigger, dependency, event, reason });
  };
  const { joiner, collections, lanes } = snapshot;
  if (!after.trigger) {
    for (const { dependency, event } of joiner?.held ?? []) note(dependency, event, 'trigger-removed');
    const satisfied = [
      ...(collections ?? []).flatMap(({ joined }) => joined.flatMap((events) => Object.entries(events))),
      ...(lanes ?? []).flatMap(({ waiting }) => waiting.flatMap(stateEventsOf)),
    ];
    for (const [dependency, event] of satisfied) note(dependency, event, 'trigger-removed');
    return {};
  }
  if (!joiner) return snapshot;
  const reasonToPurge = purgeReasons(before, { spec: after.spec, trigger: after.trigger });
  const held = joiner.held.filter(({ dependency, event }) => {
    const reason = reasonToPurge(dependency);
    if (reason) note(dependency, event, reason);
    return reason === undefined;
  });
  return { ...snapshot, joiner: { ...joiner, held } };
}

function purgeReasons(
  before: { readonly spec: DependencyStateSpec; readonly trigger: StatefulTrigger },
  after: { readonly spec: DependencyStateSpec; readonly trigger: StatefulTrigger },
): (dependency: string) => PurgeReason | undefined {
  if (expressionOf(before.trigger) !== expressionOf(after.trigger)) return () => 'condition-changed';
  if (before.trigger.correlateBy !== after.trigger.correlateBy) return () => 'correlation-changed';
  return (dependency) =>
    before.spec.dependencies[dependency] === after.spec.dependencies[dependency] ? undefined : 'dependency-changed';
}

/** The written condition, normalised in spelling. A trigger without one keeps having none. */
function expressionOf({ conditions }: StatefulTrigger): string {
  return conditions === undefined || conditions.trim() === '' ? '' : formatCondition(parseCondition(conditions));
}
