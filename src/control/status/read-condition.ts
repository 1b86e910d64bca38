/** Reads the condition of one applied object: whether its workflow runs, then what it and its activities report. */
import { eventBusDefinitionQuery } from '../../contract/event-bus-messages';
import { eventSourceStatusQuery } from '../../contract/event-source-messages';
import { sensorDefinitionQuery, sensorStatusQuery, type SensorStatus } from '../../contract/sensor-messages';
import { describeError, isSluiceError } from '../../errors/sluice-error';
import type { ObjectAddress } from '../applied-kinds';
import { hasWorker } from '../ask-workflow';
import { pendingActivitiesOf } from '../pending-activities';
import { grpcStatusOf } from '../../errors/temporal-failures';
import type { TemporalSession } from '../temporal-session';
import {
  goneCondition,
  noWorkerCondition,
  sensorCondition,
  sourceCondition,
  withRelayReports,
  type Condition,
} from './condition';
import type { ExecutionEnd } from './execution-end';
import { findObject } from './find-object';
import { replacedAddress } from './replaced-address';

export interface ReadCondition extends Condition {
  readonly sensor?: SensorStatus;
  /** How its workflow ended, if it is Gone. */
  readonly end?: ExecutionEnd;
}

/** Throws OBJECT_UNKNOWN for an object that was never applied, or was deleted. */
export async function readCondition(
  session: TemporalSession,
  address: ObjectAddress,
  timeoutMs: number,
): Promise<ReadCondition> {
  const { execution, end, ask } = await findObject(session, address, timeoutMs);
  if (end !== undefined) return { ...goneCondition(end), end };
  // A query without a worker ends only by timeout: check for one first.
  if (!(await hasWorker(session, execution.taskQueue))) return noWorkerCondition(execution.taskQueue);
  const activities = await pendingActivitiesOf(session, execution);
  try {
    switch (address.kind.kind) {
      case 'EventBus': {
        const readSpec = async () => (await ask((handle) => handle.query(eventBusDefinitionQuery))).spec;
        const reason = await replacedAddress(session, execution.taskQueue, readSpec);
        return { state: 'Ready', ...(reason !== undefined && { reason }) };
      }
      case 'EventSource': {
        const status = await ask((handle) => handle.query(eventSourceStatusQuery));
        return sourceCondition(status, withRelayReports(status.events, activities, Date.now()));
      }
      case 'Sensor': {
        const status = await ask((handle) => handle.query(sensorStatusQuery));
        const listeners =
          status.listeners ?? (await ask((handle) => handle.query(sensorDefinitionQuery))).options.listeners;
        return { ...sensorCondition(status, listeners, activities, Date.now()), sensor: status };
      }
    }
  } catch (error) {
    if (isSluiceError(error) && error.code === 'WORKER_MISSING') return unanswered(execution.taskQueue, timeoutMs);
    // One workflow that cannot respond must not hide the others.
    if (!isOfWorkflow(error)) throw error;
    return { state: 'NotReady', reason: `its workflow cannot be queried: ${describeError(error)}` };
  }
}

/** A worker that has just ended still counts as polling, and an overloaded one does not respond in time. */
function unanswered(taskQueue: string, timeoutMs: number): Condition {
  return {
    state: 'NoWorker',
    reason: `no worker of task queue "${taskQueue}" answered within ${timeoutMs / 1_000} s: it is busy, or has just ended`,
  };
}

/** True for a query's failure inside the worker: UNKNOWN, INVALID_ARGUMENT or INTERNAL. */
function isOfWorkflow(error: unknown): boolean {
  const code = grpcStatusOf(error)?.code;
  return code === 2 || code === 3 || code === 13;
}
