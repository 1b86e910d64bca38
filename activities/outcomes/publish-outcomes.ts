/**
 * Publishes how a run's Argo Workflows ended: an event on the bus, so that a further sensor can react, and, if the
 * sensor asks for them, entries in Redis streams in the format of the water-bodies system.
 */
import { Context } from '@temporalio/activity';
import { sensorWorkflowId } from '../../src/contract/identity';
import type { ObjectName } from '../../src/contract/definitions';
import type { RunOptions } from '../../src/contract/run-messages';
import { sensorDefinitionQuery } from '../../src/contract/sensor-messages';
import { runOptionsOf } from '../../src/contract/run-start';
import { eventKey, traceparentOf, type CloudEvent } from '../../src/event/cloud-event';
import type { JsonObject } from '../../src/event/json';
import { OUTCOME_SOURCE, outcomeEventId } from '../../src/event/outcome-event-id';
import type { FireStatus } from '../../src/contract/fires';
import type { PublishOutcomesRequest } from '../../src/contract/activities';
import { toApplicationFailure } from '../worker/failures';
import { OutcomeStreams } from './outcome-streams';
import type { WorkerDependencies } from '../worker/worker-dependencies';

export function createPublishOutcomes({ buses, secrets }: Pick<WorkerDependencies, 'buses' | 'secrets'>) {
  const streams = new OutcomeStreams(secrets);
  const publish = async (request: PublishOutcomesRequest): Promise<void> => {
    const ended = request.fires.filter(({ outcome }) => outcome !== undefined);
    const events = ended.map((fire) => outcomeEvent(request, fire));
    const signal = Context.current().cancellationSignal;
    const published = await buses.use(request.bus, signal, (bus) => bus.publishEvents(events));
    for (const outcome of published) if (outcome.kind === 'failed') throw outcome.error;
    await streams.add({ ...request, options: await presentOptions(request.sensor, request.options) }, ended);
  };
  return {
    publish,
    async sluicePublishOutcomes(request: PublishOutcomesRequest): Promise<void> {
      try {
        await publish(request);
      } catch (error) {
        throw toApplicationFailure(error);
      }
    },
    close: () => streams.close(),
  };
}

/** The manifest may have been corrected since the run began: later attempts use its current options. */
async function presentOptions({ namespace, name }: ObjectName, options: RunOptions): Promise<RunOptions> {
  const { client, info } = Context.current();
  if (info.attempt === 1 || options.outcomeRedis === undefined) return options;
  try {
    const sensor = client.workflow.getHandle(sensorWorkflowId(namespace, name));
    return runOptionsOf((await sensor.query(sensorDefinitionQuery)).options);
  } catch {
    // The sensor was deleted meanwhile: the run keeps its original options.
    return options;
  }
}

/** Type from the draft of OGC API Pub/Sub, so that other systems can understand it. */
export function outcomeEvent(request: PublishOutcomesRequest, fire: FireStatus): CloudEvent {
  const { outcome, object } = fire;
  const data: JsonObject = {
    sensor: request.sensor.name,
    namespace: request.sensor.namespace,
    trigger: fire.trigger,
    run_id: request.runId,
    fire_id: fire.id,
    events: [...fire.events],
    workflow_id: object?.uid ?? null,
    workflow_name: object?.name ?? null,
    workflow_namespace: object?.namespace ?? null,
    workflow_status: outcome?.phase ?? null,
    message: outcome?.message ?? '',
    started_at: outcome?.startedAt ?? null,
    finished_at: outcome?.finishedAt ?? null,
    outputs: { ...outcome?.outputs },
  };
  // A run carries events of many traces.
  const traceparent = traceparentOf(request.events.filter((event) => fire.events.includes(eventKey(event))));
  return {
    specversion: '1.0',
    id: outcomeEventId(request.sensor.name, fire.id, outcome),
    source: OUTCOME_SOURCE,
    sluicenamespace: request.sensor.namespace,
    subject: request.sensor.name,
    type: 'org.ogc.api.job.result',
    time: outcome?.finishedAt ?? new Date().toISOString(),
    datacontenttype: 'application/json',
    data,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
