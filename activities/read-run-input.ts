/** What a run was started with. */
import type { Client } from '@temporalio/client';
import { SluiceError } from '../src/errors';
import type { SensorRunInput } from '../workflows/messages';

/** From its history: that is kept as long as the run itself. @throws SluiceError RUN_UNKNOWN */
export async function readRunInput(client: Client, runId: string): Promise<SensorRunInput> {
  const { namespace } = client.options;
  const response = await client.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId: runId },
    maximumPageSize: 1,
  });
  const started = response.history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const payload = started?.input?.payloads?.[0];
  const converter = client.options.loadedDataConverter;
  const decoded = payload && (await decode(converter.payloadCodecs, payload));
  if (!decoded) {
    throw new SluiceError('RUN_UNKNOWN', {
      message: `run ${runId} has no readable start`,
      fix: 'See it in the Temporal UI',
    });
  }
  return converter.payloadConverter.fromPayload<SensorRunInput>(decoded);
}

type Converter = Client['options']['loadedDataConverter'];
type Payload = Parameters<Converter['payloadConverter']['fromPayload']>[0];

async function decode(codecs: Converter['payloadCodecs'], payload: Payload): Promise<Payload | undefined> {
  let payloads = [payload];
  for (const codec of [...codecs].reverse()) payloads = await codec.decode(payloads);
  return payloads[0];
}
