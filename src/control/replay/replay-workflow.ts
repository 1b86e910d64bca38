/** Starts replays and reads their progress. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { replayWorkflowId, sensorWorkflowId, WORKFLOW_TYPES } from '../../contract/identity';
import type { ObjectName } from '../../contract/definitions';
import {
  replayProgressQuery,
  type ReplayInput,
  type ReplayProgress,
  type ReplayRequest,
} from '../../contract/replay-messages';
import { sensorDefinitionQuery } from '../../contract/sensor-messages';
import { summaryLine } from '../../text/summary-line';
import { SluiceError } from '../../errors/sluice-error';
import { asProse } from '../../text/markdown-text';
import { APPLIED_KINDS } from '../applied-kinds';
import { askWorkflow } from '../ask-workflow';
import { failureOf } from '../failure-of';
import { findExecution, isWorkflowNotFound } from '../find-execution';
import { objectUnknown, requireRunning } from '../unknown-object';
import type { TemporalSession } from '../temporal-session';
import { describeRequester } from '../../text/requester-name';

export type ReplayTarget = ObjectName;
export type ReplayScope = Omit<ReplayRequest, 'dryRun'>;

export interface ReplayState {
  readonly id: string;
  readonly state: ReplayProgress['state'];
  readonly dryRun: boolean;
  readonly progress: ReplayProgress;
  /** Why it failed. */
  readonly problem?: string;
}

const POLL_MS = 200;

/** Returns the replay's id. Throws OBJECT_UNKNOWN, WORKER_MISSING and, unless it fires nothing, REPLAY_RUNNING. */
export async function startReplay(
  session: TemporalSession,
  target: ReplayTarget,
  request: ReplayRequest,
): Promise<string> {
  const { namespace, name } = target;
  const sensorId = sensorWorkflowId(namespace, name);
  const address = { kind: APPLIED_KINDS.Sensor, namespace, name };
  await requireRunning(session, address);
  const unknown = () => objectUnknown(session, address);
  const definition = await askWorkflow(session, sensorId, unknown, (handle) => handle.query(sensorDefinitionQuery));
  if (!request.dryRun) await refuseSecond(session, target);
  const { taskQueue } = await session.client.workflow.getHandle(sensorId).describe();
  const workflowId = replayWorkflowId(namespace, name, `${Date.now()}-${randomBytes(2).toString('hex')}`);
  const input: ReplayInput = { definition, request };
  await session.client.workflow.start(WORKFLOW_TYPES.replay, {
    workflowId,
    taskQueue,
    args: [input],
    memo: { dryRun: request.dryRun },
    staticSummary: summaryLine(
      `${request.dryRun ? 'dry run by' : 'by'} ${asProse(describeRequester(request.by))}: ${asProse(request.why)}`,
    ),
  });
  return workflowId;
}

/** Of two concurrent replays, neither would know what the other has just fired. */
async function refuseSecond(session: TemporalSession, { namespace, name }: ReplayTarget): Promise<void> {
  const prefix = replayWorkflowId(namespace, name, '');
  const query = `WorkflowType = '${WORKFLOW_TYPES.replay}' AND ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${prefix}'`;
  for await (const { workflowId, memo } of session.client.workflow.list({ query })) {
    if (memo?.['dryRun'] === true) continue;
    throw new SluiceError('REPLAY_RUNNING', {
      message: `Another replay through sensor ${namespace}/${name} is running: ${workflowId}`,
      fix: `Wait until it ends (sluice replay status ${workflowId}), or cancel it (temporal workflow cancel -w ${workflowId})`,
    });
  }
}

/** Cancels a dry run that its caller no longer awaits. */
export async function cancelReplay(session: TemporalSession, id: string): Promise<void> {
  await session.client.workflow
    .getHandle(id)
    .cancel()
    .catch((error: unknown) => {
      if (!isWorkflowNotFound(error)) throw error;
    });
}

/** Resolves when the replay has ended, or `signal` aborts: the replay itself continues. */
export async function awaitReplay(
  session: TemporalSession,
  id: string,
  signal: AbortSignal,
  onProgress: (progress: ReplayProgress) => void,
): Promise<ReplayState> {
  for (;;) {
    const state = await readReplay(session, id);
    if (state.state !== 'Running' || signal.aborted) return state;
    onProgress(state.progress);
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Throws USAGE for an id that is not of a replay. */
export async function readReplay(session: TemporalSession, id: string): Promise<ReplayState> {
  const description = await findExecution(session, id);
  if (description?.type !== WORKFLOW_TYPES.replay) throw replayUnknown(id);
  const progress = await askWorkflow(
    session,
    id,
    () => replayUnknown(id),
    (asked) => asked.query(replayProgressQuery),
  );
  const state = stateOf(description);
  const problem = state === 'Failed' ? await failureOf(session, id) : undefined;
  const dryRun = description.memo?.['dryRun'] === true;
  return { id, state, dryRun, progress, ...(problem !== undefined && { problem }) };
}

function stateOf({ status }: WorkflowExecutionDescription): ReplayState['state'] {
  if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return 'Running';
  if (status.name === 'CANCELLED') return 'Cancelled';
  return status.name === 'COMPLETED' ? 'Completed' : 'Failed';
}

function replayUnknown(id: string): SluiceError {
  return new SluiceError('USAGE', {
    message: `Unknown replay "${id}": it never existed, or Temporal has deleted it (retention)`,
    fix: 'A replay id looks like replay/<namespace>/<sensor>/<id>; sluice replay prints it',
  });
}
