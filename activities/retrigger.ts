/** Starts again what a person asks for: wakes parked runs, and gives ended ones a successor. */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { SluiceError } from '../src/errors';
import { eventKey, type CloudEvent } from '../src/event/cloud-event';
import { shortEventId, shortHash } from '../src/event/short-id';
import { fireId } from '../src/run/fire-id';
import {
  runRetriggerSignal,
  type Fire,
  type RetriggerRequest,
  type SensorDefinition,
  type SensorRunInput,
} from '../workflows/messages';
import { createRunStart, type LoadedFire } from '../workflows/run-start';
import { toApplicationFailure } from './failures';
import { findRunsCarrying } from './find-runs';
import { startRun } from './start-runs';

const MAX_RUNS = 1_000;

export interface RetriggerActivities {
  sluiceRetrigger(definition: SensorDefinition, request: RetriggerRequest): Promise<readonly string[]>;
}

export function createRetriggerActivities(): RetriggerActivities {
  return {
    async sluiceRetrigger(definition, request) {
      const { client, info } = Context.current();
      try {
        const runIds = await findRuns(client, definition, request);
        // The same request always makes the same successors, so a repeated attempt of this activity adds none.
        const round = `${info.workflowExecution?.runId ?? ''}/${info.activityId}`;
        const answers: string[] = [];
        for (const runId of runIds)
          answers.push(await retriggerRun(client, info.taskQueue, definition, request, runId, round));
        return answers;
      } catch (error) {
        throw toApplicationFailure(error);
      }
    },
  };
}

async function findRuns(client: Client, definition: SensorDefinition, request: RetriggerRequest): Promise<string[]> {
  if (request.runId !== undefined) return [request.runId];
  if (request.eventId === undefined) {
    throw new SluiceError('USAGE', {
      message: 'a retrigger names neither a run nor an event',
      fix: 'Send {"runId": "run/…"} or {"eventId": "<event key or short id>"} with "by" and "why"',
    });
  }
  const found: string[] = [];
  for await (const run of findRunsCarrying(client, definition, [request.eventId])) {
    if (!found.includes(run.workflowId)) found.push(run.workflowId);
    if (found.length >= MAX_RUNS) break;
  }
  if (found.length > 0) return found;
  throw new SluiceError('RUN_UNKNOWN', {
    message: `no run of sensor ${definition.namespace}/${definition.name} carries event ${request.eventId}`,
    fix: 'Look with `sluice explain EVENT_ID`; an event that never fired can be replayed with `sluice replay`',
  });
}

async function retriggerRun(
  client: Client,
  taskQueue: string,
  definition: SensorDefinition,
  request: RetriggerRequest,
  runId: string,
  round: string,
): Promise<string> {
  const handle = client.workflow.getHandle(runId);
  const description = await handle.describe().catch((error: unknown) => {
    throw new SluiceError('RUN_UNKNOWN', {
      message: `there is no run ${runId}`,
      fix: 'See `sluice runs list`',
      cause: error,
    });
  });
  const { by, why, overrides } = request;
  const state = description.searchAttributes['SluiceState']?.[0];
  if (description.status.name === 'RUNNING' && state === 'Parked') {
    const { trigger } = request;
    await handle.signal(runRetriggerSignal, {
      by,
      why,
      ...(trigger !== undefined && { trigger }),
      ...(overrides && { overrides }),
    });
    return runId;
  }
  const input = await readRunInput(client, runId);
  if (input.contentMissing !== undefined) {
    throw new SluiceError('SENSOR_EVENTS_GONE', {
      message: `run ${runId} does not have the content of its events: ${input.parkedBecause ?? ''}`,
      fix: 'Replay the events with `sluice replay --again` while the bus keeps them',
    });
  }
  const wanted = input.fires.filter((fire) => isWanted(fire, input, request));
  if (wanted.length === 0) {
    throw new SluiceError('RUN_UNKNOWN', {
      message: `run ${runId} has no fire of trigger ${request.trigger ?? ''} with event ${request.eventId ?? 'of any id'}`,
      fix: 'See `sluice runs show`',
    });
  }
  const present = new Set(definition.spec.triggers.map(({ template }) => template.name));
  const fires = wanted.flatMap((fire): LoadedFire[] =>
    present.has(fire.trigger) ? [reload(definition, fire, input.events, round)] : [],
  );
  if (fires.length === 0) {
    throw new SluiceError('SENSOR_UNKNOWN', {
      message: `sensor ${definition.namespace}/${definition.name} no longer has the trigger ${wanted[0]?.trigger ?? ''}`,
      fix: 'Apply a sensor that has it',
    });
  }
  const start = createRunStart(definition, fires, {
    key: `${runId.split('/').slice(3).join('/')}~again-${shortHash(round, 6)}`,
    retriggerOf: { runId, by, why, ...(overrides && { overrides }) },
  });
  await startRun(client.workflow, taskQueue, start);
  return start.workflowId;
}

function isWanted(fire: Fire, input: SensorRunInput, request: RetriggerRequest): boolean {
  if (request.trigger !== undefined && fire.trigger !== request.trigger) return false;
  if (request.eventId === undefined) return true;
  return Object.values(fire.dependencies)
    .flat()
    .some((index) => {
      const event = input.events[index];
      if (event === undefined) return false;
      const key = eventKey(event);
      return key === request.eventId || event.id === request.eventId || shortEventId(key) === request.eventId;
    });
}

/** A new id, so that the trigger acts anew instead of finding its own earlier object. */
function reload(definition: SensorDefinition, fire: Fire, events: readonly CloudEvent[], round: string): LoadedFire {
  const dependencies = Object.fromEntries(
    Object.entries(fire.dependencies).map(([name, indexes]) => [
      name,
      indexes.map((index) => events[index]).filter((event) => event !== undefined),
    ]),
  );
  const keys = Object.fromEntries(Object.entries(dependencies).map(([name, list]) => [name, list.map(eventKey)]));
  return {
    id: fireId(definition, fire.trigger, keys, round),
    trigger: fire.trigger,
    dependencies,
    ...(fire.collected ? { collected: true } : {}),
  };
}

/** What the run was started with, from its history: that is kept as long as the run itself. */
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
