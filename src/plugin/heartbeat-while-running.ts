/**
 * Sends heartbeats for activities that send none themselves. Without them Temporal detects a killed worker only at the
 * activity's start-to-close timeout, minutes later, and the workflow waits until then.
 */
import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type {
  ControllerActivities,
  EventSourceActivities,
  SensorActivities,
  WorkerActivities,
} from '../contract/activities';

type OurActivity =
  keyof SensorActivities | keyof EventSourceActivities | keyof ControllerActivities | keyof WorkerActivities;

/** These send heartbeats with details of their own, which an empty heartbeat would overwrite. */
const REPORTING = [
  'sluiceHoldLease',
  'sluiceKeepNamespace',
  'sluiceListen',
  'sluiceRelayEvents',
  'sluiceReplayPortion',
  'sluiceWatchBacklog',
  'sluiceWatchOutcomes',
  'sluiceWatchPausedSensor',
] as const satisfies readonly OurActivity[];
const reporting: ReadonlySet<string> = new Set(REPORTING);

/** Heartbeats per timeout: two may be late or lost. */
const HEARTBEATS_PER_TIMEOUT = 3;
/** A cancellation reaches an activity with its next heartbeat. */
const LONGEST_INTERVAL_MS = 5_000;

export const heartbeatWhileRunning: ActivityInterceptorsFactory = (context: Context) => {
  const { activityType, heartbeatTimeoutMs, isLocal } = context.info;
  if (isLocal || heartbeatTimeoutMs === undefined) return {};
  // Activities of the worker's owner send their own heartbeats.
  if (!activityType.startsWith('sluice') || reporting.has(activityType)) return {};
  return {
    inbound: {
      async execute(input, next) {
        const intervalMs = Math.min(heartbeatTimeoutMs / HEARTBEATS_PER_TIMEOUT, LONGEST_INTERVAL_MS);
        const timer = setInterval(() => context.heartbeat(), intervalMs);
        try {
          return await next(input);
        } finally {
          clearInterval(timer);
        }
      },
    },
  };
};
