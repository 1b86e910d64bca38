/** Starts again what ran before a faulty change: only the history of its ended workflow still has that version. */
import { eventBusDefinitionQuery } from '../contract/event-bus-messages';
import { eventSourceDefinitionQuery } from '../contract/event-source-messages';
import { sensorDefinitionQuery } from '../contract/sensor-messages';
import type { ObjectAddress, TaskQueues } from '../control/applied-kinds';
import { workflowIdOf } from '../control/applied-objects';
import { applyObject } from '../control/apply/apply-object';
import type { Desired } from '../control/apply/desired-objects';
import { askWorkflow } from '../control/ask-workflow';
import type { TemporalSession } from '../control/temporal-session';
import { objectUnknown } from '../control/unknown-object';

/**
 * Resolves with false for what a command had applied: the controller never ran it. Throws WORKER_MISSING if there is no
 * worker to read the history, and OBJECT_UNKNOWN once Temporal has deleted it (retention).
 */
export async function restoreFormer(
  session: TemporalSession,
  address: ObjectAddress,
  queues: TaskQueues,
): Promise<boolean> {
  const former = await readFormer(session, address);
  if (former.definition.appliedBy !== 'controller') return false;
  await applyObject(session, former, queues, { by: 'controller', why: 'its last valid version is restored' });
  return true;
}

/** Temporal answers queries of workflows that have ended, too. */
async function readFormer(session: TemporalSession, address: ObjectAddress): Promise<Desired> {
  const ask = <Answer>(question: Parameters<typeof askWorkflow<Answer>>[3]): Promise<Answer> =>
    askWorkflow(session, workflowIdOf(address), () => objectUnknown(session, address), question);
  const { kind } = address.kind;
  switch (kind) {
    case 'EventBus':
      return { kind, definition: await ask((handle) => handle.query(eventBusDefinitionQuery)) };
    case 'EventSource':
      return { kind, definition: await ask((handle) => handle.query(eventSourceDefinitionQuery)) };
    case 'Sensor':
      return { kind, definition: await ask((handle) => handle.query(sensorDefinitionQuery)) };
  }
}
