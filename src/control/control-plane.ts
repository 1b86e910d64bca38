/** The control plane for programs: what the command `sluice` does, without printing. */
import { pauseSignal, resumeSignal } from '../contract/lifecycle-messages';
import type { RequestedBy } from '../contract/requester';
import { SluiceError } from '../errors/sluice-error';
import type { Problem } from '../manifest/problem';
import { reportManifests } from '../validation/manifest-report';
import type { ManifestKind } from '../validation/parse-manifest';
import { APPLIED_KINDS, defaultNamespace, taskQueuesOf, type ObjectAddress, type TaskQueues } from './applied-kinds';
import { ALL_KINDS, workflowIdOf } from './applied-objects';
import { applyManifests, describeApplied, type ApplySummary } from './apply/apply-manifests';
import { readCheckedManifests, readCheckedText } from './apply/read-checked-manifests';
import { addressText, signalWorkflow } from './ask-workflow';
import { deleteObject, requireUnused, type Deletion } from './delete-object';
import { explainEvent, type ExplainOptions, type Explanation } from './explain/explain-event';
import { withBuses } from './explain/open-buses';
import { loggedEnvironment, type ProcessEnvironment } from './process-environment';
import { retriggerEvent, retriggerRun, type FireAgain, type FiredEvent, type Retriggered } from './runs/fire-again';
import { parseRunId } from './runs/search-runs';
import { listObjects, type ListedObject } from './status/list-objects';
import { readObjectStatus, type ObjectStatus } from './status/read-status';
import { openTemporal, type OpenSession, type TemporalOptions } from './temporal-session';
import { objectUnknown } from './unknown-object';

export interface ControlPlaneOptions extends TemporalOptions {
  /** Kubernetes namespace of objects that name none. Default: environment variable `SLUICE_NAMESPACE`, else `default`. */
  readonly namespace?: string;
  /** Task queues of objects that are started. Default: as for the command. */
  readonly taskQueues?: TaskQueues;
  /** Replaces `process.env`: addresses, payload keys, Secrets. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Receives warnings, such as those about payload keys. Default: none are shown. */
  readonly warn?: (text: string) => void;
}

/** Files and folders of manifests, or their YAML. */
export type ManifestInput = { readonly files: readonly string[] } | { readonly yaml: string };

export interface ApplyCall extends RequestedBy {
  /** Only compare: the result holds a diff of each object that would change. */
  readonly dryRun?: boolean;
  /** Also apply the other objects to Kubernetes, by server-side apply. */
  readonly kubernetes?: boolean;
  /** Do not check that the named Secrets exist. */
  readonly skipSecretCheck?: boolean;
  /** How long to wait for sources and sensors to become ready, in milliseconds. Default: 3,000. */
  readonly waitMs?: number;
}

export type ApplyAnswer =
  /** Nothing was applied. `problems` holds the warnings too. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | ({
      readonly kind: 'applied';
      /** What works, but perhaps not as the author expects. */
      readonly warnings: readonly Problem[];
      /** What an operator should know, as sentences. */
      readonly notes: readonly string[];
    } & ApplySummary);

/** Names one applied object. */
export interface AppliedName {
  readonly kind: ManifestKind;
  readonly name: string;
  /** Default: the namespace of the control plane. */
  readonly namespace?: string;
}

export interface DeleteCall extends RequestedBy {
  /** How long to wait for its end, in milliseconds. Default: 15,000. */
  readonly waitMs?: number;
  /** End it without a worker; a sensor then leaves its consumer on the bus. */
  readonly force?: boolean;
}

/**
 * Applies, lists, explains and retriggers, over one connection to Temporal. All methods throw `SluiceError`; its `code`
 * is stable. Calls that change something need `by` and `why`, which are kept in the history and not authenticated.
 *
 * @example
 * ```ts
 * import { ControlPlane } from 'sluice/control';
 *
 * async function main(): Promise<void> {
 *   const sluice = await ControlPlane.connect({ address: 'localhost:7233', namespace: 'argo' });
 *   try {
 *     const answer = await sluice.apply({ files: ['manifests'] }, { by: 'deploy-job', why: 'release 7' });
 *     if (answer.kind === 'refused') throw new Error(answer.problems.map(({ message }) => message).join('\n'));
 *     for (const { kind, name, state } of answer.objects) console.log(kind, name, state);
 *   } finally {
 *     await sluice.close();
 *   }
 * }
 *
 * void main();
 * ```
 */
export class ControlPlane {
  private constructor(
    private readonly open: OpenSession,
    private readonly environment: ProcessEnvironment,
    private readonly namespace: string,
    private readonly taskQueues: TaskQueues,
  ) {}

  /** Finds Temporal as the command does: options, then `TEMPORAL_…`, then its configuration file. Throws TEMPORAL_UNREACHABLE. */
  static async connect(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const { address, temporalNamespace, profile, env, warn = () => undefined } = options;
    const environment = loggedEnvironment(warn, env);
    const open = await openTemporal({ address, temporalNamespace, profile }, environment);
    const queues = { ...taskQueuesOf({}, environment), ...options.taskQueues };
    return new ControlPlane(open, environment, options.namespace ?? defaultNamespace(environment), queues);
  }

  /**
   * Checks all manifests, then starts or updates their objects. Throws WORKER_MISSING if a running object would have to
   * change and has no worker.
   */
  async apply(input: ManifestInput, call: ApplyCall): Promise<ApplyAnswer> {
    const manifests = await ('yaml' in input
      ? readCheckedText(input.yaml)
      : readCheckedManifests(input.files, process.stdin));
    const { valid, problems } = reportManifests(manifests, ['error', 'unsupported']);
    if (!valid) return { kind: 'refused', problems };
    const { by, why, dryRun = false, ...options } = call;
    const notes: string[] = [];
    const outcome = await this.open.run((session) =>
      applyManifests(
        manifests.documents,
        session,
        {
          ...options,
          ...{ dryRun, requestedBy: { by, why }, taskQueues: this.taskQueues },
          namespaces: { fallback: this.namespace },
        },
        this.environment,
        { progress: () => undefined, note: (text) => notes.push(text) },
      ),
    );
    if (outcome.kind === 'refused') return { kind: 'refused', problems: [...problems, ...outcome.problems] };
    return { kind: 'applied', warnings: problems, notes, ...describeApplied(outcome, dryRun) };
  }

  /**
   * Ends one object as `sluice delete` does. Throws OBJECT_IN_USE for an event bus that sources or sensors use.
   *
   * @returns `not found` if it is not applied
   */
  async delete(object: AppliedName, { by, why, waitMs = 15_000, force = false }: DeleteCall): Promise<Deletion> {
    const address = this.addressOf(object);
    return await this.open.run(async (session) => {
      await requireUnused(session, address);
      return await deleteObject(session, address, { requestedBy: { by, why }, waitMs, force });
    });
  }

  /** Stops an event source or a sensor until `resume`; survives restarts. Throws OBJECT_UNKNOWN. */
  async pause(object: AppliedName, request: RequestedBy): Promise<void> {
    await this.signal(object, pauseSignal, request);
  }

  /** Throws OBJECT_UNKNOWN. */
  async resume(object: AppliedName, request: RequestedBy): Promise<void> {
    await this.signal(object, resumeSignal, request);
  }

  /** Lists the applied objects with their observed state. Without `namespace`: those of all namespaces. */
  async list(filter: { readonly kind?: ManifestKind; readonly namespace?: string } = {}): Promise<ListedObject[]> {
    const kinds = filter.kind === undefined ? ALL_KINDS : [APPLIED_KINDS[filter.kind]];
    return await this.open.run((session) => listObjects(session, kinds, filter.namespace));
  }

  /** Returns the full state of one object. Throws OBJECT_UNKNOWN, WORKER_MISSING. */
  async status(object: AppliedName): Promise<ObjectStatus> {
    return await this.open.run((session) => readObjectStatus(session, this.addressOf(object), this.environment));
  }

  /**
   * Returns everything that is known about one event. Needs access to the event buses.
   *
   * @param event its key (`<event source>/<event id>`), its short id, or any part of its id or data
   */
  async explain(event: string, options: ExplainOptions = {}): Promise<Explanation> {
    return await this.open.run((session) =>
      withBuses(session, this.environment, options.namespace, (open) => explainEvent(session, open, event, options)),
    );
  }

  /**
   * Fires the triggers of a run again that did not succeed; a parked run continues, an ended one gets a successor.
   * Throws RUN_UNKNOWN, RETRIGGER_REFUSED, WORKER_MISSING.
   */
  async retriggerRun(runId: string, request: FireAgain): Promise<Retriggered> {
    return await this.open.run((session) => retriggerRun(session, parseRunId(runId), request));
  }

  /** The same for every run of a sensor that carries the event. */
  async retriggerEvent(event: FiredEvent, request: FireAgain): Promise<Retriggered> {
    return await this.open.run((session) => retriggerEvent(session, event, request));
  }

  /** Calls in flight end with an error. */
  async close(): Promise<void> {
    await this.open.close();
  }

  private async signal(object: AppliedName, signal: typeof pauseSignal, request: RequestedBy): Promise<void> {
    const address = this.addressOf(object);
    if (object.kind === 'EventBus') {
      throw new SluiceError('USAGE', {
        message: `${addressText(address)} cannot be paused`,
        fix: 'Name an event source or a sensor',
      });
    }
    await this.open.run((session) =>
      signalWorkflow(session, workflowIdOf(address), signal, [request], () => objectUnknown(session, address)),
    );
  }

  private addressOf({ kind, name, namespace = this.namespace }: AppliedName): ObjectAddress {
    return { kind: APPLIED_KINDS[kind], namespace, name };
  }
}
