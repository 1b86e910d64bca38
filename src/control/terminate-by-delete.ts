/** Terminates the workflow of a deleted object, with the requester and the reason in its last event. */
import { encodeToPayloads } from '@temporalio/common/lib/internal-non-workflow';
import type { RequestedBy } from '../contract/requester';
import { DELETE_REASON } from './status/execution-end';
import type { TemporalSession } from './temporal-session';

/** Throws NOT_FOUND of gRPC if the workflow does not run. */
export async function terminateByDelete(
  { client, namespace }: TemporalSession,
  workflowId: string,
  { by, why }: RequestedBy,
): Promise<void> {
  const { identity, loadedDataConverter } = client.options;
  const payloads = await encodeToPayloads(loadedDataConverter, { by, why });
  await client.workflowService.terminateWorkflowExecution({
    ...{ namespace, identity, workflowExecution: { workflowId } },
    // Distinguishes it from terminations by hand, so it stays as it is.
    reason: DELETE_REASON,
    ...(payloads && { details: { payloads } }),
  });
}
