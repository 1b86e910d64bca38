/** Queries and updates that need a worker, with a time limit for when there is none. */
import type { WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { ApplicationFailure, type QueryDefinition, type SignalDefinition } from '@temporalio/common';
import { ERROR_CODES, SluiceError, type ErrorCode } from '../errors/sluice-error';
import type { ObjectAddress } from './applied-kinds';
import { grpcStatusOf } from '../errors/temporal-failures';
import { isWorkflowNotFound } from './find-execution';
import type { TemporalSession } from './temporal-session';

const ANSWER_TIMEOUT_MS = 10_000;
/** At the deadline either side may notice first: if it is the server, it cancels the call. */
const GRPC_CANCELLED = 1;
const GRPC_DEADLINE_EXCEEDED = 4;
const GRPC_FAILED_PRECONDITION = 9;
const UNANSWERED: ReadonlySet<number> = new Set([GRPC_CANCELLED, GRPC_DEADLINE_EXCEEDED, GRPC_FAILED_PRECONDITION]);

export function addressText({ kind, namespace, name }: ObjectAddress): string {
  return `${kind.word} ${namespace}/${name}`;
}

/**
 * Queries or updates a workflow. Throws WORKER_MISSING if no worker responds in time, and the error of `unknown` if
 * there is no such workflow.
 */
export async function askWorkflow<Answer>(
  session: TemporalSession,
  workflowId: string,
  unknown: () => SluiceError | Promise<SluiceError>,
  ask: (handle: WorkflowHandle) => Promise<Answer>,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<Answer> {
  const handle = session.client.workflow.getHandle(workflowId);
  try {
    return await inTurn(session, workflowId, () =>
      session.connection.withDeadline(Date.now() + timeoutMs, () => ask(handle)),
    );
  } catch (error) {
    if (isWorkflowNotFound(error)) throw await unknown();
    const refusal = updateRefusal(error);
    if (refusal) throw refusal;
    const code = grpcStatusOf(error)?.code;
    if (!(code !== undefined && UNANSWERED.has(code)) && !isUpdateTimeout(error)) throw error;
    // If the server itself is unavailable, this call reports that instead.
    const { taskQueue } = await handle.describe();
    throw workerMissing(taskQueue, error);
  }
}

/** Queries the workflow of an object that was listed just before. Throws as `askWorkflow` does. */
export function queryApplied<Answer, Args extends unknown[]>(
  session: TemporalSession,
  object: ObjectAddress & { readonly workflowId: string },
  query: QueryDefinition<Answer, Args>,
  args: Args,
  timeoutMs?: number,
): Promise<Answer> {
  const ask = (handle: WorkflowHandle): Promise<Answer> => handle.query(query, ...args);
  return askWorkflow(session, object.workflowId, () => notApplied(object), ask, timeoutMs);
}

const lastAsked = new WeakMap<TemporalSession, Map<string, Promise<unknown>>>();

/**
 * One question at a time to each workflow: where two tasks of one workflow wait for room in a worker's full cache, the
 * SDK (1.24) loses one of the worker's places for workflow tasks, for as long as it runs.
 */
async function inTurn<Answer>(
  session: TemporalSession,
  workflowId: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const last = lastAsked.get(session) ?? new Map<string, Promise<unknown>>();
  lastAsked.set(session, last);
  const before = last.get(workflowId);
  const answer = before === undefined ? ask() : before.then(ask, ask);
  last.set(workflowId, answer);
  try {
    return await answer;
  } finally {
    if (last.get(workflowId) === answer) last.delete(workflowId);
  }
}

/** Signals need no worker: the server stores them. */
export async function signalWorkflow<Args extends [unknown]>(
  session: TemporalSession,
  workflowId: string,
  signal: SignalDefinition<Args>,
  args: Args,
  unknown: () => SluiceError | Promise<SluiceError>,
): Promise<void> {
  try {
    await session.client.workflow.getHandle(workflowId).signal(signal, ...args);
  } catch (error) {
    throw isWorkflowNotFound(error) ? await unknown() : error;
  }
}

/** For an object that was listed just before; `objectUnknown` is for names that users type. */
export function notApplied(address: ObjectAddress): SluiceError {
  return new SluiceError('OBJECT_UNKNOWN', {
    message: `${addressText(address)} is not applied`,
    fix: `sluice list shows applied objects; -n selects another namespace`,
  });
}

export function runUnknown(runId: string): SluiceError {
  return new SluiceError('RUN_UNKNOWN', {
    message: `Unknown run "${runId}": it never existed, or Temporal has deleted it (retention)`,
    fix: 'sluice runs list shows existing runs',
  });
}

/** Of one command: the objects of a list share a few task queues. */
const workerLooks = new WeakMap<
  TemporalSession,
  Map<string, { readonly at: number; readonly found: Promise<readonly string[]> }>
>();
const WORKER_LOOK_VALID_MS = 1_000;

/** True if a worker polls the queue, or did within the last minutes. */
export async function hasWorker(session: TemporalSession, taskQueue: string): Promise<boolean> {
  return (await workersOf(session, taskQueue)).length > 0;
}

/** Returns the identities of the workers that poll the queue, or did within the last minutes. */
export function workersOf(session: TemporalSession, taskQueue: string): Promise<readonly string[]> {
  const looks = workerLooks.get(session) ?? new Map<string, { at: number; found: Promise<readonly string[]> }>();
  workerLooks.set(session, looks);
  const known = looks.get(taskQueue);
  if (known !== undefined && performance.now() - known.at < WORKER_LOOK_VALID_MS) return known.found;
  const found = findPollers(session, taskQueue);
  looks.set(taskQueue, { at: performance.now(), found });
  found.catch(() => looks.delete(taskQueue));
  return found;
}

async function findPollers(session: TemporalSession, taskQueue: string): Promise<readonly string[]> {
  const { pollers } = await session.connection.workflowService.describeTaskQueue({
    namespace: session.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  return (pollers ?? []).map(({ identity }) => identity ?? '');
}

export function workerMissing(
  taskQueue: string,
  cause?: unknown,
  fix = 'Start a worker for it and try again',
): SluiceError {
  return new SluiceError('WORKER_MISSING', {
    message: `No worker answers on task queue "${taskQueue}"`,
    fix,
    cause,
  });
}

function isUpdateTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError';
}

/** Returns the SluiceError of a failed update, if any: our codes travel as failure types. */
function updateRefusal(error: unknown): SluiceError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const type = cause instanceof ApplicationFailure ? cause.type : undefined;
    const code = ERROR_CODE_NAMES.find((name) => name === type);
    if (code) return new SluiceError(code, { message: cause.message });
  }
  return undefined;
}

const ERROR_CODE_NAMES = Object.keys(ERROR_CODES) as ErrorCode[];
