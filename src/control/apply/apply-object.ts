/** Brings one workflow to the state in its manifest: starts it, or configures the running one. */
import { isDeepStrictEqual } from 'node:util';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { EventBusDefinition } from '../../contract/definitions';
import { configureEventBusUpdate, type EventBusStart } from '../../contract/event-bus-messages';
import {
  configureEventSourceUpdate,
  eventSourceStatusQuery,
  type EventSourceStart,
} from '../../contract/event-source-messages';
import { configureSensorUpdate, sensorStatusQuery, type SensorStart } from '../../contract/sensor-messages';
import type { ApplyRequest } from '../../contract/lifecycle-messages';
import type { RequestedBy } from '../../contract/requester';
import { isSluiceError } from '../../errors/sluice-error';
import { writeDiff } from './definition-diff';
import { queryDefinition, type KindAndDefinition } from '../applied-definition';
import { APPLIED_KINDS, taskQueueOf, type ObjectAddress, type TaskQueues } from '../applied-kinds';
import { workflowIdOf } from '../applied-objects';
import { askWorkflow, hasWorker, notApplied, workerMissing } from '../ask-workflow';
import { findExecution } from '../find-execution';
import type { TemporalSession } from '../temporal-session';
import type { Desired } from './desired-objects';
import type { AppliedSource } from './silent-dependencies';

/** `restarted`: the spec is unchanged, but a permanently stopped part is tried again. */
export type Applied = 'created' | 'configured' | 'restarted' | 'unchanged';

const UPDATE_TIMEOUT_MS = 30_000;
const ROUNDS = 3;
const HOW_TO_REACH =
  'Start a worker for it and try again. An object keeps the task queue on which it was first applied: if that is wrong, ' +
  'delete it with --force and apply it again';

export interface AppliedAction {
  readonly action: Applied;
  /** Of what ran before: an object keeps the queue on which it started. */
  readonly taskQueue?: string;
}

export function addressOf({ kind, definition }: Desired): ObjectAddress {
  return { kind: APPLIED_KINDS[kind], namespace: definition.namespace, name: definition.name };
}

/**
 * Starting needs no worker, so manifests may be applied before workers run; a change needs one, which applies it at
 * once and in order. Throws WORKER_MISSING if there is none.
 */
export async function applyObject(
  session: TemporalSession,
  desired: Desired,
  queues: TaskQueues,
  requestedBy: RequestedBy,
  keepStopped = false,
): Promise<AppliedAction> {
  const address = addressOf(desired);
  for (let round = 1; ; round++) {
    try {
      // First: most often it is new, and then this is the only request.
      if (await start(session, desired, queues, requestedBy)) return { action: 'created' };
      const current = await readApplied(session, desired);
      if (current === undefined) throw notApplied(address);
      const { taskQueue } = current;
      const action = await compare(session, desired, current.definition);
      if (action === 'restarted' && keepStopped) return { action: 'unchanged', taskQueue };
      if (action !== 'unchanged') await configure(session, desired, requestedBy);
      return { action, taskQueue };
    } catch (error) {
      // Another client deleted the object between two of our steps: start it.
      if (!isUnknown(error)) throw error;
      if (round === ROUNDS) throw notApplied(address);
    }
  }
}

export interface Comparison extends AppliedAction {
  /** What runs against what would run: a unified diff of two YAML texts. Absent if they are the same. */
  readonly diff?: string;
}

/** Returns the effect that applying would have. */
export async function compareObject(session: TemporalSession, desired: Desired): Promise<Comparison> {
  const current = await readApplied(session, desired);
  if (current === undefined) return { action: 'created', diff: writeDiff(desired, undefined) };
  const { definition, taskQueue } = current;
  const action = await compare(session, desired, definition);
  return { action, taskQueue, ...(action === 'configured' && { diff: writeDiff(desired, definition) }) };
}

async function compare(
  session: TemporalSession,
  desired: Desired,
  current: RunningDefinition,
): Promise<'configured' | 'restarted' | 'unchanged'> {
  if (!isSame(current, desired.definition)) return 'configured';
  return (await hasStopped(session, desired)) ? 'restarted' : 'unchanged';
}

async function hasStopped(session: TemporalSession, desired: Desired): Promise<boolean> {
  const address = addressOf(desired);
  switch (desired.kind) {
    case 'EventBus':
      return false;
    case 'EventSource': {
      const { events } = await ask(session, address, (handle) => handle.query(eventSourceStatusQuery));
      return events.some(({ state }) => state === 'Failed');
    }
    case 'Sensor': {
      const { stopped } = await ask(session, address, (handle) => handle.query(sensorStatusQuery));
      return stopped !== undefined;
    }
  }
}

/** Resolves with the bus as it is applied, or undefined. Throws WORKER_MISSING. */
export async function findAppliedBus(
  session: TemporalSession,
  name: { readonly namespace: string; readonly name: string },
): Promise<EventBusDefinition | undefined> {
  const found = await queryRunning(session, { kind: APPLIED_KINDS.EventBus, ...name });
  return found?.kind === 'EventBus' ? found.definition : undefined;
}

/** Undefined if it is not applied. The answer is a hint: what prevents it is no reason for an apply to fail. */
export async function findAppliedSource(
  session: TemporalSession,
  name: { readonly namespace: string; readonly name: string },
): Promise<AppliedSource | undefined> {
  try {
    const found = await queryRunning(session, { kind: APPLIED_KINDS.EventSource, ...name });
    return found?.kind === 'EventSource' ? { spec: found.definition.spec } : undefined;
  } catch {
    return { spec: undefined };
  }
}

export type RunningDefinition = KindAndDefinition['definition'];

/** Resolves with undefined if it is not applied. Throws WORKER_MISSING. */
async function readApplied(session: TemporalSession, desired: Desired): Promise<RunningObject | undefined> {
  return await queryRunning(session, addressOf(desired));
}

type RunningObject = KindAndDefinition & { readonly taskQueue: string };

async function queryRunning(session: TemporalSession, address: ObjectAddress): Promise<RunningObject | undefined> {
  const execution = await findExecution(session, workflowIdOf(address));
  if (execution?.status.name !== 'RUNNING') return undefined;
  const found = await queryDefinition(address.kind.kind, (question) => ask(session, address, question));
  return { ...found, taskQueue: execution.taskQueue };
}

const CONFIGURE_UPDATES = {
  EventBus: configureEventBusUpdate.name,
  EventSource: configureEventSourceUpdate.name,
  Sensor: configureSensorUpdate.name,
};

async function configure(session: TemporalSession, desired: Desired, requestedBy: RequestedBy): Promise<void> {
  const args: [RunningDefinition, ApplyRequest] = [desired.definition, requestOf(desired, requestedBy)];
  await ask(session, addressOf(desired), (handle) => handle.executeUpdate(CONFIGURE_UPDATES[desired.kind], { args }));
}

/** Returns false if it runs already. */
async function start(
  session: TemporalSession,
  desired: Desired,
  queues: TaskQueues,
  requestedBy: RequestedBy,
): Promise<boolean> {
  const address = addressOf(desired);
  try {
    await session.client.workflow.start(address.kind.workflowType, {
      workflowId: workflowIdOf(address),
      taskQueue: taskQueueOf(address.kind, queues),
      args: inputOf(desired, requestOf(desired, requestedBy)),
      staticSummary: `${desired.kind} ${address.namespace}/${address.name}`,
      priority: { fairnessKey: address.namespace },
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

function inputOf(
  desired: Desired,
  request: ApplyRequest,
): [EventBusDefinition, EventBusStart] | [EventSourceStart] | [SensorStart] {
  switch (desired.kind) {
    case 'EventBus':
      return [desired.definition, { request }];
    case 'EventSource':
      return [{ definition: desired.definition, request }];
    case 'Sensor':
      return [{ definition: desired.definition, request }];
  }
}

function requestOf({ annotations }: Desired, { by, why }: RequestedBy): ApplyRequest {
  return { by, why, ...(annotations && { annotations }) };
}

async function ask<Answer>(
  session: TemporalSession,
  address: ObjectAddress,
  question: Parameters<typeof askWorkflow<Answer>>[3],
): Promise<Answer> {
  const workflowId = workflowIdOf(address);
  const { taskQueue } = await session.client.workflow.getHandle(workflowId).describe();
  if (!(await hasWorker(session, taskQueue))) throw workerMissing(taskQueue, undefined, HOW_TO_REACH);
  return await askWorkflow(session, workflowId, () => notApplied(address), question, UPDATE_TIMEOUT_MS);
}

function isUnknown(error: unknown): boolean {
  return isSluiceError(error) && error.code === 'OBJECT_UNKNOWN';
}

/** Compares both as JSON: on its way through Temporal, undefined fields vanish. */
function isSame(current: unknown, desired: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(current)), JSON.parse(JSON.stringify(desired)));
}
