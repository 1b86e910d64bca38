/** True if Temporal has no such workflow. */
import { grpcStatusOf } from '../errors/temporal-failures';

const GRPC_NOT_FOUND = 5;

export function isWorkflowNotFound(error: unknown): boolean {
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return true;
  const status = grpcStatusOf(error);
  return status?.code === GRPC_NOT_FOUND && !/namespace/i.test(status.details);
}
