/** Reports to runs how the Argo Workflows that they wait for ended: one watch per sensor and namespace. */
import { CancelledFailure, Context } from '@temporalio/activity';
import { describeError } from '../../src/errors/sluice-error';
import type { FireStatus, WorkflowOutcomeReport } from '../../src/contract/fires';
import { readWorkflowOutcome, watchWorkflowOutcomes } from '../../src/kubernetes/workflow-outcomes';
import { sensorOfRun } from '../../src/contract/identity';
import type { SensorDefinition } from '../../src/contract/definitions';
import { outcomeSignal } from '../../src/contract/run-messages';
import { announceListed } from './announce-listed';
import type { WatchOutcomesRequest } from '../../src/contract/activities';
import { toApplicationFailure } from '../worker/failures';
import { publishLateOutcomes, type LateOutcomesOptions } from './late-outcomes';
import { outcomeNamespaces } from './outcome-namespaces';
import { startHeartbeat } from '../worker/heartbeat';
import { createYamlReader } from '../worker/read-yaml';
import { OutcomeNotifier } from './outcome-notifier';
import { toReports } from './outcome-report';
import { observeOutcome, refuseOutcome, showOutcomeCounters } from './outcome-telemetry';
import type { WorkerDependencies } from '../worker/worker-dependencies';

/** Signals that time out are sent again. */
const SIGNAL_TIMEOUT_MS = 10_000;

/** Namespace → resource version up to which every outcome was delivered. */
type Positions = Record<string, string>;

export function createOutcomeActivities(
  { kubernetes, engine, metrics, log, buses }: WorkerDependencies,
  publish: LateOutcomesOptions['publish'],
) {
  return {
    async sluiceWatchOutcomes({ definition }: WatchOutcomesRequest): Promise<void> {
      const { client: temporal, cancellationSignal, cancelled, info } = Context.current();
      const details: unknown = info.heartbeatDetails;
      const positions: Positions = isPositions(details) ? { ...details } : {};
      const posts = new Map<string, OutcomeNotifier>();
      const announcements = new Set<Promise<void>>();
      const heartbeat = startHeartbeat(() => {
        for (const [namespace, post] of posts) {
          const position = post.position();
          if (position !== undefined) positions[namespace] = position;
        }
        return positions;
      }, false);
      // If one namespace is refused, the activity ends: the watches of the others must not outlive it.
      const over = new AbortController();
      const signal = AbortSignal.any([cancellationSignal, over.signal]);
      const follow = async (namespace: string): Promise<void> => {
        const cluster = await kubernetes.open();
        const post = new OutcomeNotifier({
          signal: (runId, reports) =>
            temporal.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, () =>
              temporal.workflow.getHandle(runId).signal(outcomeSignal, reports),
            ),
          onTold: (outcome) => observeOutcome(metrics, definition, outcome),
          onClosed: (runId, outcomes) =>
            publishLateOutcomes({ client: temporal, buses, publish, signal }, runId, outcomes),
          onRefused: (outcome, runId, reason) => {
            refuseOutcome(metrics, definition);
            const { namespace: of, name: workflow } = outcome.object;
            log.error(
              { sensor: definition.name, runId, fireId: outcome.fireId, workflow: `${of ?? ''}/${workflow}` },
              `Temporal permanently refused to deliver the outcome ${outcome.phase} to its run: ${reason}`,
            );
          },
          warn: (message) => log.warn({ sensor: definition.name }, message),
        });
        posts.set(namespace, post);
        const watchOver = new AbortController();
        const telling = post.run(watchOver.signal);
        try {
          const outcomes = watchWorkflowOutcomes({
            cluster,
            sensorName: definition.name,
            namespace,
            ...(positions[namespace] === undefined ? {} : { resourceVersion: positions[namespace] }),
            signal,
            onPosition: (version) => post.reached(version),
            onListed: (fires) => {
              const announcing = announceListed({
                ...{ client: temporal, sensor: definition, fires, signal },
                onFailed: (error) =>
                  log.warn(`cannot report existing Workflows to waiting runs: ${describeError(error)}`),
              });
              announcements.add(announcing);
              void announcing.finally(() => announcements.delete(announcing));
            },
            onInterrupted: (error) => log.info(`outcome watch in ${namespace} restarts: ${describeError(error)}`),
          });
          for await (const outcome of outcomes) {
            // In a namespace that several sensors use, another one may have the same name, or the same label.
            const { runId } = outcome;
            if (runId !== undefined && isOf(definition, runId)) post.add({ ...outcome, runId });
          }
        } finally {
          over.abort();
          watchOver.abort();
          await telling;
        }
      };
      showOutcomeCounters(metrics, definition);
      const namespaces = await outcomeNamespaces(definition, createYamlReader(engine));
      const follows = namespaces.map(follow);
      try {
        await Promise.all(follows);
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        if (!cancellationSignal.aborted) throw toApplicationFailure(error);
      } finally {
        await Promise.allSettled([...follows, ...announcements]);
        heartbeat.stop();
      }
      await cancelled;
    },

    /** For runs whose outcome the watch did not deliver: reads each object directly. */
    async sluiceReadOutcomes(fires: readonly FireStatus[]): Promise<readonly WorkflowOutcomeReport[]> {
      const { cancellationSignal: signal, info } = Context.current();
      try {
        const { client } = await kubernetes.open();
        const looks = fires.map(async ({ id, object }) =>
          object === undefined ? undefined : await readWorkflowOutcome(client, object, id, signal),
        );
        const outcomes = (await Promise.all(looks)).filter((outcome) => outcome !== undefined);
        const sensor = sensorOfRun(info.workflowExecution?.workflowId ?? '');
        // Not earlier: if one lookup fails, all are retried.
        for (const outcome of outcomes) if (sensor) observeOutcome(metrics, sensor, outcome);
        return toReports(outcomes);
      } catch (error) {
        throw toApplicationFailure(error);
      }
    },
  };
}

function isOf({ namespace, name }: SensorDefinition, runId: string): boolean {
  const sensor = sensorOfRun(runId);
  return sensor?.namespace === namespace && sensor.name === name;
}

function isPositions(details: unknown): details is Positions {
  return (
    typeof details === 'object' &&
    details !== null &&
    Object.values(details).every((value) => typeof value === 'string')
  );
}
