/** What the activities of a workflow report: state, last heartbeat, last failure. */
import { temporal, type google } from '@temporalio/proto';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { SluiceError } from '../errors/sluice-error';
import { decodeFailureMessage, decodePayload } from '../payloads/decode-payload';
import { COVERED_ACTIVITIES } from '../contract/fail-over';
import { lastSignOf } from './signs-of-life';
import { findExecution } from './find-execution';
import type { TemporalSession } from './temporal-session';

export interface PendingActivity {
  readonly id: string;
  readonly type: string;
  readonly state: 'scheduled' | 'started' | 'stopping' | 'paused' | 'unknown';
  readonly attempt: number;
  /** RFC 3339: when it was scheduled; for a retry, when it is or was due. */
  readonly scheduledAt?: string;
  readonly startedAt?: string;
  /** Details of the last heartbeat: reading position, counts. */
  readonly heartbeat?: unknown;
  readonly lastHeartbeatAt?: string;
  readonly worker?: string;
  /** RFC 3339: the last sign of life of its worker, which covers what the worker reads and listens to. */
  readonly workerSeenAt?: string;
  readonly lastFailure?: string;
}

const { PendingActivityState } = temporal.api.enums.v1;

/** Throws the error of `unknown` if there is no such workflow. */
export async function readPendingActivities(
  session: TemporalSession,
  workflowId: string,
  unknown: () => SluiceError,
): Promise<PendingActivity[]> {
  const description = await findExecution(session, workflowId);
  if (description === undefined) throw unknown();
  return pendingActivitiesOf(session, description);
}

export function pendingActivitiesOf(
  session: TemporalSession,
  { raw, taskQueue }: WorkflowExecutionDescription,
): Promise<PendingActivity[]> {
  const converter = session.client.options.loadedDataConverter;
  const read = async (info: temporal.api.workflow.v1.IPendingActivityInfo): Promise<PendingActivity> => {
    const [payload] = info.heartbeatDetails?.payloads ?? [];
    const { scheduledTime, lastStartedTime, lastHeartbeatTime } = info;
    const type = info.activityType?.name ?? '';
    const sign =
      info.lastWorkerIdentity && COVERED_ACTIVITIES.includes(type)
        ? await lastSignOf(session, taskQueue, info.lastWorkerIdentity)
        : undefined;
    const lastFailure = await decodeFailureMessage(converter, info.lastFailure);
    return {
      id: info.activityId ?? '',
      type,
      state: stateOf(info.state),
      attempt: info.attempt ?? 1,
      ...(scheduledTime ? { scheduledAt: isoTime(scheduledTime) } : {}),
      ...(lastStartedTime ? { startedAt: isoTime(lastStartedTime) } : {}),
      ...(payload ? { heartbeat: await decodePayload<unknown>(converter, payload) } : {}),
      ...(lastHeartbeatTime ? { lastHeartbeatAt: isoTime(lastHeartbeatTime) } : {}),
      ...(info.lastWorkerIdentity ? { worker: info.lastWorkerIdentity } : {}),
      ...(sign === undefined ? {} : { workerSeenAt: new Date(sign.at).toISOString() }),
      ...(lastFailure ? { lastFailure } : {}),
    };
  };
  return Promise.all((raw.pendingActivities ?? []).map(read));
}

function stateOf(state: temporal.api.enums.v1.PendingActivityState | null | undefined): PendingActivity['state'] {
  switch (state) {
    case PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
      return 'scheduled';
    case PendingActivityState.PENDING_ACTIVITY_STATE_STARTED:
      return 'started';
    case PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED:
      return 'stopping';
    case PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED:
    case PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED:
      return 'paused';
    default:
      return 'unknown';
  }
}

function isoTime({ seconds, nanos }: google.protobuf.ITimestamp): string {
  return new Date(Number(seconds?.toString() ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1e6)).toISOString();
}
