/** What long-running activities of a workflow say of themselves: state, last heartbeat, last failure. */
import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { SluiceError } from '../errors';
import { isNotFound } from './ask-workflow';
import type { TemporalSession } from './temporal';

export interface PendingActivity {
  readonly id: string;
  readonly type: string;
  readonly state: 'scheduled' | 'started' | 'stopping' | 'paused' | 'unknown';
  readonly attempt: number;
  /** Details of the last heartbeat: reading position, counts. */
  readonly heartbeat?: unknown;
  readonly lastHeartbeatAt?: string;
  readonly worker?: string;
  readonly lastFailure?: string;
}

const { PendingActivityState } = temporal.api.enums.v1;

/** Throws what `unknown` makes when there is no such workflow. */
export async function readPendingActivities(
  session: TemporalSession,
  workflowId: string,
  unknown: () => SluiceError,
): Promise<PendingActivity[]> {
  const { raw } = await session.client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      throw isNotFound(error) ? unknown() : error;
    });
  return (raw.pendingActivities ?? []).map((info): PendingActivity => {
    const [payload] = info.heartbeatDetails?.payloads ?? [];
    return {
      id: info.activityId ?? '',
      type: info.activityType?.name ?? '',
      state: stateOf(info.state),
      attempt: info.attempt ?? 1,
      ...(payload ? { heartbeat: defaultPayloadConverter.fromPayload(payload) } : {}),
      ...(info.lastHeartbeatTime ? { lastHeartbeatAt: isoTime(info.lastHeartbeatTime.seconds) } : {}),
      ...(info.lastWorkerIdentity ? { worker: info.lastWorkerIdentity } : {}),
      ...(info.lastFailure?.message ? { lastFailure: info.lastFailure.message } : {}),
    };
  });
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

function isoTime(seconds: { toString(): string } | null | undefined): string {
  return new Date(Number(seconds?.toString() ?? 0) * 1000).toISOString();
}
