/** The workflow of one applied object: what to ask it, or how it has ended. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { ObjectAddress } from '../applied-kinds';
import { workflowIdOf } from '../applied-objects';
import { askWorkflow } from '../ask-workflow';
import { findExecution } from '../find-execution';
import type { TemporalSession } from '../temporal-session';
import { objectUnknown } from '../unknown-object';
import { isDeleted, readEnd, type ExecutionEnd } from './execution-end';

export interface FoundObject {
  readonly workflowId: string;
  readonly execution: WorkflowExecutionDescription;
  /** Set if something other than `sluice delete` ended it. */
  readonly end?: ExecutionEnd;
  /** Throws as `askWorkflow` does. */
  readonly ask: <Answer>(question: Parameters<typeof askWorkflow<Answer>>[3]) => Promise<Answer>;
}

/** Throws OBJECT_UNKNOWN for an object that was never applied, or was deleted. */
export async function findObject(
  session: TemporalSession,
  address: ObjectAddress,
  timeoutMs?: number,
): Promise<FoundObject> {
  const workflowId = workflowIdOf(address);
  const unknown = () => objectUnknown(session, address);
  const execution = await findExecution(session, workflowId);
  const end = execution && (await readEnd(session, execution));
  if (execution === undefined || (end && isDeleted(end))) throw await unknown();
  return {
    workflowId,
    execution,
    ...(end && { end }),
    ask: (question) => askWorkflow(session, workflowId, unknown, question, timeoutMs),
  };
}
