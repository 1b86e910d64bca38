/** Metrics of one attempt to fire, and its span in the trace of its events. */
import type { Info } from '@temporalio/activity';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { TriggerSpec } from '../../src/manifest/sensor';
import type { Metrics } from '../../src/metrics/metrics';
import { planRetries } from '../../src/sandbox/run/retry-plan';
import type { FireFailure, FireResult } from '../../src/contract/fires';
import { describeEvent, endFailed, isTracing, startSpan, traceOf, withSpan } from '../../src/tracing/spans';
import { toFireFailure } from '../worker/failures';
import type { UnresolvedFire } from './unresolved-fire';

type Send = (events: UnresolvedFire['events']) => Promise<FireResult>;

/**
 * @param isLast called after the attempt failed; returns true if no attempt follows, even if the failure is transient
 * @param send receives the events with the trace context of this attempt, so that new objects belong to its span
 */
export async function observeFire(
  metrics: Metrics,
  fire: UnresolvedFire,
  isLast: (trigger: TriggerSpec) => boolean,
  send: Send,
): Promise<FireResult> {
  const { sensor, trigger } = fire;
  const labels = { namespace: sensor.namespace, sensor_name: sensor.name, trigger_name: trigger.template.name };
  const startedAt = performance.now();
  // A counter must exist at 0 for the first failure to be an increase. The listener may be on another worker.
  metrics.count('argo_events_action_failed_total', labels, 0);
  metrics.count('argo_events_action_retries_failed_total', labels, 0);
  try {
    const result = await (isTracing() ? sendTraced(fire, send) : send(fire.events));
    metrics.count('argo_events_action_triggered_total', labels);
    const happenedAt = Math.max(...Object.values(fire.events).map(({ time }) => Date.parse(time)));
    if (Number.isFinite(happenedAt)) {
      metrics.record('sluice_event_to_fire_seconds', labels, (Date.now() - happenedAt) / 1_000);
    }
    return result;
  } catch (error) {
    metrics.count('argo_events_action_failed_total', labels);
    const failure: FireFailure = toFireFailure(error);
    if (isLast(trigger) || !failure.retryable) metrics.count('argo_events_action_retries_failed_total', labels);
    throw error;
  } finally {
    metrics.record('argo_events_action_duration_milliseconds', labels, performance.now() - startedAt);
  }
}

/** Runs `send` in a span of the latest event's trace, linked to the traces of the other events. */
async function sendTraced({ sensor, trigger, runId, fireId, events }: UnresolvedFire, send: Send): Promise<FireResult> {
  const [latest, ...others] = Object.values(events).sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
  const span = startSpan('fire', {
    parent: latest && traceOf(latest),
    links: others.map(traceOf),
    attributes: {
      ...(latest && describeEvent(latest)),
      'k8s.namespace.name': sensor.namespace,
      'sluice.sensor': sensor.name,
      'sluice.trigger': trigger.template.name,
      'sluice.run_id': runId,
      'sluice.fire_id': fireId,
    },
  });
  try {
    const traced = Object.entries(events).map(([name, event]): [string, CloudEvent] => [name, withSpan(event, span)]);
    const result = await send(Object.fromEntries(traced));
    span.setAttributes(describeResult(result));
    span.end();
    return result;
  } catch (error) {
    endFailed(span, error);
    throw error;
  }
}

function describeResult(result: FireResult): Record<string, string | number> {
  switch (result.kind) {
    case 'object': {
      const { namespace, name } = result.object;
      return { 'sluice.action': result.action, 'sluice.object': `${namespace ?? ''}/${name}` };
    }
    case 'response':
      return result.status === undefined ? {} : { 'http.response.status_code': result.status };
  }
}

type AttemptInfo = Pick<Info, 'attempt' | 'scheduleToCloseTimeoutMs' | 'scheduledTimestampMs'>;

/** Same rule as Temporal: attempts are used up, or the next would begin after the schedule-to-close timeout. */
export function isLastAttempt(
  { attempt, scheduleToCloseTimeoutMs, scheduledTimestampMs }: AttemptInfo,
  { retryStrategy }: Pick<TriggerSpec, 'retryStrategy'>,
  attemptsBefore = 0,
  nowMs = Date.now(),
): boolean {
  const plan = planRetries(retryStrategy);
  if (plan.attempts !== undefined && attemptsBefore + attempt >= plan.attempts) return true;
  // 0: no limit.
  if (!scheduleToCloseTimeoutMs) return false;
  const pauseMs = Math.min(plan.maximumIntervalMs, plan.initialIntervalMs * plan.coefficient ** (attempt - 1));
  return nowMs - scheduledTimestampMs + pauseMs >= scheduleToCloseTimeoutMs;
}
