/** How long the attempts of one fire may take, and how they follow each other. Pure. */
import type { TriggerSpec } from '../../manifest/sensor';
import { planRetries } from './retry-plan';
import { triggerDeadline } from './trigger-traits';

/** As in Temporal's activity options; times are milliseconds. */
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

/** @param attemptsMade how many of the trigger's attempts were made elsewhere; always fewer than it allows. */
export function timeAttempts(trigger: TriggerSpec, attemptsMade = 0): AttemptTiming {
  const plan = planRetries(trigger.retryStrategy);
  const startToCloseTimeout = triggerDeadline(trigger);
  return {
    startToCloseTimeout,
    // A single attempt may take longer than the limit for all of them, as with a policy that polls for hours.
    ...(plan.withinMs !== undefined && { scheduleToCloseTimeout: Math.max(plan.withinMs, startToCloseTimeout) }),
    retry: {
      initialInterval: plan.initialIntervalMs,
      backoffCoefficient: plan.coefficient,
      maximumInterval: plan.maximumIntervalMs,
      ...(plan.attempts !== undefined && { maximumAttempts: plan.attempts - attemptsMade }),
    },
  };
}

/** The delay before the first retry of a fire; undefined if its trigger allows only one attempt. */
export function pauseAfterFirst(trigger: TriggerSpec, retryAfterMs = 0): number | undefined {
  const { attempts, initialIntervalMs } = planRetries(trigger.retryStrategy);
  return attempts === 1 ? undefined : Math.max(initialIntervalMs, retryAfterMs);
}
