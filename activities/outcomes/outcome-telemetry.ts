/** Metrics of an Argo Workflow's end, and its span in the trace of the fire that created it. */
import type { WorkflowOutcome } from '../../src/kubernetes/workflow-outcomes';
import type { Metrics } from '../../src/metrics/metrics';
import { endFailed, isTracing, startSpan } from '../../src/tracing/spans';
import { parseTraceparent } from '../../src/tracing/trace-context';
import type { ObjectName } from '../../src/contract/definitions';

const PHASES: ReadonlyArray<WorkflowOutcome['phase']> = ['Succeeded', 'Failed', 'Error', 'Deleted', 'Unknown'];

/** Initialises every counter with 0, so that the first failure is an increase. */
export function showOutcomeCounters(metrics: Metrics, { namespace, name }: ObjectName): void {
  for (const phase of PHASES) metrics.count('sluice_outcomes_total', { namespace, sensor_name: name, phase }, 0);
  metrics.count('sluice_outcomes_refused_total', { namespace, sensor_name: name }, 0);
}

/** Counts an outcome that the watch can never deliver to its run. */
export function refuseOutcome(metrics: Metrics, { namespace, name }: ObjectName): void {
  metrics.count('sluice_outcomes_refused_total', { namespace, sensor_name: name });
}

export function observeOutcome(metrics: Metrics, sensor: ObjectName, outcome: WorkflowOutcome): void {
  const { namespace, name } = sensor;
  metrics.count('sluice_outcomes_total', { namespace, sensor_name: name, phase: outcome.phase });
  const parent = parseTraceparent(outcome.traceparent);
  if (parent === undefined || !isTracing()) return;
  const { object, phase, message, startedAt, finishedAt, fireId } = outcome;
  const span = startSpan('outcome', {
    parent,
    ...(startedAt === undefined ? {} : { startTime: Date.parse(startedAt) }),
    attributes: {
      'k8s.namespace.name': namespace,
      'sluice.sensor': name,
      'sluice.fire_id': fireId,
      'sluice.object': `${object.namespace ?? ''}/${object.name}`,
      'sluice.phase': phase,
    },
  });
  if (phase === 'Succeeded') span.end(finishedAt === undefined ? undefined : Date.parse(finishedAt));
  else endFailed(span, message, finishedAt === undefined ? undefined : Date.parse(finishedAt));
}
