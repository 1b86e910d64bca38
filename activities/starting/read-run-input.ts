/** Reads the input of a run. */
import type { Client } from '@temporalio/client';
import { SluiceError } from '../../src/errors/sluice-error';
import { decodePayload } from '../../src/payloads/decode-payload';
import type { SensorRunInput } from '../../src/contract/run-messages';

/** Reads it from the history, which is kept as long as the run itself. @throws SluiceError RUN_UNKNOWN */
export async function readRunInput(client: Client, runId: string): Promise<SensorRunInput> {
  const { namespace } = client.options;
  const response = await client.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId: runId },
    maximumPageSize: 1,
  });
  const started = response.history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const payload = started?.input?.payloads?.[0];
  if (!payload) {
    throw new SluiceError('RUN_UNKNOWN', {
      message: `run ${runId} has no readable start`,
      fix: 'See it in the Temporal UI',
    });
  }
  return decodePayload<SensorRunInput>(client.options.loadedDataConverter, payload);
}
