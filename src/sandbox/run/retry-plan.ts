/**
 * How often and how long a failing fire is retried. Pure: the workflow turns the plan into activity options.
 *
 * Argo Events' `retryStrategy` counts every attempt and applies only with `atLeastOnce`; here it always applies, and a
 * trigger without one is retried for about ten minutes, because most failures in a cluster are transient.
 */
import { parseNanosecondsOrDurationMs } from '../../text/durations';
import type { RetryStrategy } from '../../manifest/common';

export interface RetryPlan {
  /** Attempts in total, including the first; undefined = limited only by `withinMs`. */
  readonly attempts?: number;
  readonly initialIntervalMs: number;
  readonly coefficient: number;
  readonly maximumIntervalMs: number;
  /** Time after which no new attempt starts; undefined = limited only by `attempts`. */
  readonly withinMs?: number;
}

const DEFAULT_PLAN: RetryPlan = {
  initialIntervalMs: 1_000,
  coefficient: 2,
  maximumIntervalMs: 60_000,
  withinMs: 10 * 60_000,
};

/** A year: longer than any useful interval, and well below what Temporal rejects. */
const LONGEST_INTERVAL_MS = 365 * 24 * 3_600_000;

/**
 * Defaults as in Argo Events (pkg/shared/util/retry.go): 5 steps, 1 s, factor 1. Jitter is ignored because Temporal has
 * none; the retries of different runs spread by themselves.
 */
export function planRetries(strategy: RetryStrategy | undefined): RetryPlan {
  if (strategy === undefined) return DEFAULT_PLAN;
  const initialIntervalMs = Math.max(1, parseBackoffMs(strategy.duration) ?? 1_000);
  const coefficient = Math.max(1, Number(strategy.factor ?? 1));
  return {
    attempts: Math.max(1, strategy.steps || 5),
    initialIntervalMs,
    coefficient,
    maximumIntervalMs: LONGEST_INTERVAL_MS,
  };
}

/** The `duration` of a back-off, in milliseconds; undefined if there is none. The manifest was validated before. */
export function parseBackoffMs(duration: string | number | undefined): number | undefined {
  return duration === undefined || duration === '' ? undefined : parseNanosecondsOrDurationMs(duration);
}
