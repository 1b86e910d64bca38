/** How long the attempts of one fire may take, and how they follow each other. Pure. */
import type { TriggerSpec } from '../../manifest/sensor';
import { planRetries } from './retry-plan';
import { triggerDeadline } from './trigger-traits';

/** As Temporal's activity options have it; times are milliseconds. */
export interface AttemptTiming {
  readonly startToCloseTimeout: number;
  readonly scheduleToCloseTimeout?: number;
  readonly retry: {
    readonly initialInterval: number;
    readonly backoffCoefficient: number;
    readonly maximumInterval: number;
    readonly maximumAttempts?: number;
  };
}

/** @param attemptsMade how many of the attempts that the trigger allows were made elsewhere; fewer than all of them. */
export function timeAttempts(trigger: TriggerSpec, attemptsMade = 0): AttemptTiming {
  const plan = planRetries(trigger.retryStrategy);
  const startToCloseTimeout = triggerDeadline(trigger);
  return {
    startToCloseTimeout,
    // A single attempt may take longer than all of them are meant to: a policy that polls for hours.
    ...(plan.withinMs !== undefined && { scheduleToCloseTimeout: Math.max(plan.withinMs, startToCloseTimeout) }),
    retry: {
      initialInterval: plan.initialIntervalMs,
      backoffCoefficient: plan.coefficient,
      maximumInterval: plan.maximumIntervalMs,
      ...(plan.attempts !== undefined && { maximumAttempts: plan.attempts - attemptsMade }),
    },
  };
}

/** How long to wait before a fire that failed once is tried again; undefined where its trigger allows one attempt only. */
export function pauseAfterFirst(trigger: TriggerSpec, retryAfterMs = 0): number | undefined {
  const { attempts, initialIntervalMs } = planRetries(trigger.retryStrategy);
  return attempts === 1 ? undefined : Math.max(initialIntervalMs, retryAfterMs);
}
