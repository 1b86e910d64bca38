/**
 * Outcomes of Workflows whose run has ended: after `argo retry`, or any other continuation of a Workflow. The run
 * cannot receive them any more, but they are published as the run would have done, and recorded.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { WorkflowOutcome } from '../../src/kubernetes/workflow-outcomes';
import { nameEvent } from '../../src/records/decision-record';
import type { FireStatus } from '../../src/contract/fires';
import { eventsOf } from '../../src/contract/packed-fires';
import { firesQuery, type SensorRunInput } from '../../src/contract/run-messages';
import type { BusPool } from '../worker/bus-pool';
import type { PublishOutcomesRequest } from '../../src/contract/activities';
import { toReport } from './outcome-report';
import { readRunInput } from '../starting/read-run-input';

const RUN_EXPECTED_WITHIN_MS = 60_000;

export interface LateOutcomesOptions {
  readonly client: Client;
  readonly buses: BusPool;
  readonly publish: (request: PublishOutcomesRequest) => Promise<void>;
  readonly signal: AbortSignal;
}

export async function publishLateOutcomes(
  { client, buses, publish, signal }: LateOutcomesOptions,
  runId: string,
  outcomes: readonly WorkflowOutcome[],
): Promise<void> {
  const candidates = outcomes.filter(mayBeLate);
  if (candidates.length === 0) return;
  const known = await readFires(client, runId, candidates);
  const late = candidates.flatMap((outcome): FireStatus[] => {
    const fire = known.find(({ id }) => id === outcome.fireId);
    if (fire === undefined || fire.object?.uid !== outcome.object.uid || isKnown(fire, outcome)) return [];
    return [{ ...fire, state: outcome.phase === 'Succeeded' ? 'Succeeded' : 'Failed', outcome: toReport(outcome) }];
  });
  if (late.length === 0) return;
  // No run took the signal, and one answers the query: it was started in between, and can take the outcome itself.
  const { status } = await client.workflow.getHandle(runId).describe();
  if (status.name === 'RUNNING') throw new Error(`run ${runId} was started after its Workflow had ended`);
  const { sensor, bus, options, events, fires } = await readRunInput(client, runId);
  await publish({ sensor, bus, runId, options, events, fires: late });
  const records = late.flatMap((fire) => recordsOf({ sensor, events, fires }, runId, fire));
  await buses.use(bus, signal, (open) => Promise.resolve(open.recordDecisions(records)));
}

/**
 * Returns none if the run does not exist. A Workflow that a listener creates may end before its run is started, so a
 * recent one throws and is retried; a run that is started later than this looks up its Workflows by itself.
 */
async function readFires(
  client: Client,
  runId: string,
  outcomes: readonly WorkflowOutcome[],
): Promise<readonly FireStatus[]> {
  try {
    return await client.workflow.getHandle(runId).query(firesQuery);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError && !outcomes.some(isRecent)) return [];
    throw error;
  }
}

/**
 * A list returns thousands of outcomes that were delivered long ago: only observed retries among them count, and those
 * that may have ended before their run was started.
 */
function mayBeLate(outcome: WorkflowOutcome): boolean {
  const { phase, isListed, afterRetry } = outcome;
  return phase !== 'Deleted' && phase !== 'Unknown' && (isListed !== true || afterRetry || isRecent(outcome));
}

function isRecent({ finishedAt = '' }: WorkflowOutcome): boolean {
  return Date.now() - Date.parse(finishedAt) < RUN_EXPECTED_WITHIN_MS;
}

function isKnown({ outcome }: FireStatus, { phase, finishedAt }: WorkflowOutcome): boolean {
  return outcome?.phase === phase && outcome.finishedAt === finishedAt;
}

function recordsOf(
  { sensor, events, fires }: Pick<SensorRunInput, 'sensor' | 'events' | 'fires'>,
  runId: string,
  { id, trigger, object, outcome }: FireStatus,
) {
  const fire = fires.find((each) => each.id === id);
  return (fire ? eventsOf(fire, events) : []).map((event) => ({
    at: new Date().toISOString(),
    ...nameEvent(event),
    namespace: sensor.namespace,
    sensor: sensor.name,
    decision: 'fired' as const,
    triggers: [trigger],
    runId,
    ...(outcome && { outcome: { fireId: id, phase: outcome.phase } }),
    reason: `Workflow ${object?.name ?? ''} was continued after its run had ended, and is ${outcome?.phase ?? ''} now`,
  }));
}
