/** Waits until an applied source reads and an applied sensor listens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventSourceStatusQuery, sensorStatusQuery } from '../../../workflows/messages';
import { describeStopped } from '../../../workflows/stopped-parts';
import { isSluiceError } from '../../errors';
import { workflowIdOf } from '../applied-objects';
import { askWorkflow, hasWorker, notApplied } from '../ask-workflow';
import { readPendingActivities, type PendingActivity } from '../pending-activities';
import type { TemporalSession } from '../temporal';
import { addressOf } from './apply-object';
import type { Desired } from './desired-objects';

export interface Readiness {
  readonly state: 'Ready' | 'Paused' | 'NotReady' | 'NoWorker';
  /** What it still waits for, or what is wrong. */
  readonly reason?: string;
}

const POLL_MS = 200;

/** Looks until it is ready or paused; at the deadline answers what it still waits for. */
export async function awaitReady(session: TemporalSession, desired: Desired, timeoutMs: number): Promise<Readiness> {
  if (desired.kind === 'EventBus') return { state: 'Ready' };
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const readiness = await look(session, desired);
    if (readiness.state === 'Ready' || readiness.state === 'Paused' || Date.now() >= deadline) return readiness;
    await sleep(POLL_MS);
  }
}

async function look(session: TemporalSession, desired: Desired): Promise<Readiness> {
  const address = addressOf(desired);
  const workflowId = workflowIdOf(address);
  const unknown = () => notApplied(address);
  const ask: <T>(question: Parameters<typeof askWorkflow<T>>[3]) => Promise<T> = (question) =>
    askWorkflow(session, workflowId, unknown, question, 5_000);
  const { taskQueue } = await session.client.workflow.getHandle(workflowId).describe();
  const noWorker: Readiness = { state: 'NoWorker', reason: `no worker polls task queue "${taskQueue}"` };
  if (!(await hasWorker(session, taskQueue))) return noWorker;
  try {
    if (desired.kind === 'Sensor') {
      const status = await ask((handle) => handle.query(sensorStatusQuery));
      const [stopped] = status.stopped ?? [];
      if (stopped) return { state: 'NotReady', reason: describeStopped(stopped) };
      if (status.paused) return { state: 'Paused' };
      return judge(
        await readPendingActivities(session, workflowId, unknown),
        'sluiceListen',
        desired.definition.options.listeners,
      );
    }
    const status = await ask((handle) => handle.query(eventSourceStatusQuery));
    if (status.paused) return { state: 'Paused' };
    const failed = status.events.find(({ state }) => state === 'Failed');
    if (failed) return { state: 'NotReady', reason: `${failed.name}: ${failed.problem ?? 'failed'}` };
    const readers = status.events.filter(({ state }) => state === 'Reading').length;
    return judge(await readPendingActivities(session, workflowId, unknown), 'sluiceRelayEvents', readers);
  } catch (error) {
    if (isSluiceError(error) && error.code === 'WORKER_MISSING') return noWorker;
    throw error;
  }
}

function judge(activities: readonly PendingActivity[], type: string, wanted: number): Readiness {
  const ours = activities.filter((activity) => activity.type === type);
  if (ours.filter(isAtWork).length >= wanted) return { state: 'Ready' };
  const failure = ours.find(({ lastFailure }) => lastFailure !== undefined)?.lastFailure;
  return { state: 'NotReady', reason: failure ?? 'still connecting' };
}

/** The first heartbeat comes after the connection was made. */
function isAtWork({ state, heartbeat }: PendingActivity): boolean {
  if (state !== 'started' || typeof heartbeat !== 'object' || heartbeat === null) return false;
  return !('connected' in heartbeat) || heartbeat.connected === true;
}
