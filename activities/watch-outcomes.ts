/** Tells runs how the Argo Workflows ended that they wait for: one watch per sensor and namespace. */
import { CancelledFailure, Context, heartbeat } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describeError } from '../src/errors';
import type { FireStatus, WorkflowOutcomeReport } from '../src/run/run-types';
import type { SensorSpec } from '../src/manifest/sensor';
import {
  outcomeSelector,
  readWorkflowOutcome,
  watchWorkflowOutcomes,
  type WorkflowOutcome,
} from '../src/kubernetes/workflow-outcomes';
import { sensorOfRun } from '../workflows/identity';
import { outcomeSignal, type SensorDefinition } from '../workflows/messages';
import type { WatchOutcomesRequest } from './contracts';
import { toApplicationFailure } from './failures';
import { observeOutcome } from './outcome-telemetry';
import type { WorkerDependencies } from './worker-dependencies';

const HEARTBEAT_EVERY_MS = 1_000;
/** Outcomes of one run that end together are told together: a signal costs the run four events. */
const COLLECT_FOR_MS = 200;

/** Namespace → resource version up to which every outcome has been told. */
type Positions = Record<string, string>;

export function createOutcomeActivities({ kubernetes, metrics, log }: WorkerDependencies) {
  return {
    async sluiceWatchOutcomes({ definition }: WatchOutcomesRequest): Promise<void> {
      const context = Context.current();
      const signal = context.cancellationSignal;
      const details: unknown = context.info.heartbeatDetails;
      const positions: Positions = isPositions(details) ? { ...details } : {};
      const beating = setInterval(() => heartbeat(positions), HEARTBEAT_EVERY_MS);
      try {
        const { client } = await kubernetes.open();
        await Promise.all(
          namespacesOf(definition).map(async (namespace) => {
            const post = new OutcomePost(
              context.client,
              (outcome) => observeOutcome(metrics, definition, outcome),
              (message) => log.warn({ sensor: definition.name }, message),
            );
            let seen: string | undefined;
            const told = async (): Promise<void> => {
              const upTo = seen;
              await post.deliver();
              if (upTo !== undefined) positions[namespace] = upTo;
            };
            const telling = setInterval(() => void told(), COLLECT_FOR_MS);
            try {
              const outcomes = watchWorkflowOutcomes({
                client,
                labelSelector: outcomeSelector(definition.name),
                namespace,
                ...(positions[namespace] === undefined ? {} : { resourceVersion: positions[namespace] }),
                signal,
                onPosition: (version) => (seen = version),
                onInterrupted: (error) =>
                  log.info(`outcome watch in ${namespace} begins anew: ${describeError(error)}`),
              });
              for await (const outcome of outcomes) post.add(outcome);
            } finally {
              clearInterval(telling);
              await told();
            }
          }),
        );
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        if (!signal.aborted) throw toApplicationFailure(error);
      } finally {
        clearInterval(beating);
        heartbeat(positions);
      }
      await context.cancelled;
    },

    /** For runs whose outcome the watch never brought: asks for each object itself. */
    async sluiceReadOutcomes(fires: readonly FireStatus[]): Promise<readonly WorkflowOutcomeReport[]> {
      const { cancellationSignal: signal, info } = Context.current();
      try {
        const { client } = await kubernetes.open();
        const found = await Promise.all(
          fires.map(async ({ id, object }) => {
            if (object === undefined) return undefined;
            const outcome = await readWorkflowOutcome(client, object, id, signal);
            if (outcome === undefined) return undefined;
            const sensor = sensorOfRun(info.workflowExecution?.workflowId ?? '');
            if (sensor) observeOutcome(metrics, sensor, outcome);
            return toReport(outcome);
          }),
        );
        return found.filter((report) => report !== undefined);
      } catch (error) {
        throw toApplicationFailure(error);
      }
    },
  };
}

/** Where a sensor's Workflows can be: its own namespace, and those that its resources name. */
export function namespacesOf({ namespace, spec }: Pick<SensorDefinition, 'namespace' | 'spec'>): string[] {
  const named = spec.triggers.map((trigger) => readNamespace(trigger));
  return [...new Set([namespace, ...named.filter((name) => name !== undefined)])];
}

function readNamespace({ template }: SensorSpec['triggers'][number]): string | undefined {
  const resource = (template.argoWorkflow ?? template.k8s)?.source.resource;
  const metadata = resource?.['metadata'];
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return undefined;
  const namespace = metadata['namespace'];
  return typeof namespace === 'string' && namespace !== '' ? namespace : undefined;
}

/** Collects outcomes per run and hands them over; a run that is gone needs none. */
class OutcomePost {
  private readonly waiting = new Map<string, WorkflowOutcome[]>();

  constructor(
    private readonly client: Client,
    private readonly onTold: (outcome: WorkflowOutcome) => void,
    private readonly warn: (message: string) => void,
  ) {}

  add(outcome: WorkflowOutcome): void {
    if (outcome.runId === undefined) return;
    this.waiting.set(outcome.runId, [...(this.waiting.get(outcome.runId) ?? []), outcome]);
  }

  async deliver(): Promise<void> {
    const runs = [...this.waiting];
    this.waiting.clear();
    await Promise.all(
      runs.map(async ([runId, outcomes]) => {
        try {
          await this.client.workflow.getHandle(runId).signal(outcomeSignal, outcomes.map(toReport));
          outcomes.forEach(this.onTold);
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return;
          this.warn(`outcomes for ${runId} will be told again: ${describeError(error)}`);
          this.waiting.set(runId, [...outcomes, ...(this.waiting.get(runId) ?? [])]);
        }
      }),
    );
  }
}

function toReport(outcome: WorkflowOutcome): WorkflowOutcomeReport {
  const { fireId, phase, message, startedAt, finishedAt, outputs } = outcome;
  return {
    fireId,
    phase,
    message,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    outputs,
  };
}

function isPositions(details: unknown): details is Positions {
  return (
    typeof details === 'object' &&
    details !== null &&
    Object.values(details).every((value) => typeof value === 'string')
  );
}
