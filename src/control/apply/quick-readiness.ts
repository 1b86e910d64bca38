/** Readiness from what the activities of an object report, without asking its workflow: cheap for a thousand objects. */
import { listEvents } from '../../contract/source-events';
import { isSupportedSource } from '../../kinds/source-kinds';
import { workflowIdOf } from '../applied-objects';
import { hasWorker } from '../ask-workflow';
import { findExecution } from '../find-execution';
import { pendingActivitiesOf, type PendingActivity } from '../pending-activities';
import { noWorkerCondition, type Condition } from '../status/condition';
import { judgeReader, worstReader } from '../status/readers';
import type { TemporalSession } from '../temporal-session';
import { addressOf } from './apply-object';
import type { Desired } from './desired-objects';

/** Resolves with undefined if only the workflow itself can tell: it is paused, stopped, or still starts. */
export async function readQuickly(session: TemporalSession, desired: Desired): Promise<Condition | undefined> {
  const description = await findExecution(session, workflowIdOf(addressOf(desired)));
  if (description?.status.name !== 'RUNNING') return undefined;
  if (!(await hasWorker(session, description.taskQueue))) return noWorkerCondition(description.taskQueue);
  return worstOf(desired, await pendingActivitiesOf(session, description));
}

function worstOf(desired: Desired, activities: readonly PendingActivity[]): Condition | undefined {
  const ofType = (type: string): readonly PendingActivity[] => activities.filter((activity) => activity.type === type);
  const judge = (type: string, wanted: number): Condition => {
    const now = Date.now();
    return worstReader(
      ofType(type).map((activity) => judgeReader(activity, now)),
      wanted,
    );
  };
  switch (desired.kind) {
    case 'EventBus':
      return { state: 'Ready' };
    case 'EventSource': {
      const wanted = listEvents(desired.definition.spec).filter(({ kind }) => isSupportedSource(kind)).length;
      const worst = judge('sluiceRelayEvents', wanted);
      // Which of its events does not read is known to the workflow.
      return wanted > 0 && worst.state === 'Ready' ? worst : undefined;
    }
    case 'Sensor': {
      const { spec, options } = desired.definition;
      const follows =
        options.followOutcome && spec.triggers.some(({ template }) => template.argoWorkflow ?? template.k8s);
      // A part that has stopped for good is known to the workflow only.
      if (follows && ofType('sluiceWatchOutcomes').length === 0) return undefined;
      if (ofType('sluiceListen').length < options.listeners) return undefined;
      return judge('sluiceListen', options.listeners);
    }
  }
}
