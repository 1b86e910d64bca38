/** Executions of workflows that may not exist. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { grpcStatusOf } from '../errors/temporal-failures';
import type { TemporalSession } from './temporal-session';

const GRPC_NOT_FOUND = 5;

/** True if Temporal has no such workflow. */
export function isWorkflowNotFound(error: unknown): boolean {
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return true;
  const status = grpcStatusOf(error);
  return status?.code === GRPC_NOT_FOUND && !/namespace/i.test(status.details);
}

/** Describes the latest execution of a workflow; resolves with undefined if there is none. */
export async function findExecution(
  { client }: TemporalSession,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (isWorkflowNotFound(error)) return undefined;
    throw error;
  }
}
