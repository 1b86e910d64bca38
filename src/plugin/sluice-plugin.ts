/**
 * Common part of both plugins. Adds to a worker: our workflows, our activities, heartbeats frequent enough to pause and
 * hand over within a second, a sign of life, slots for workflow tasks that are observed, payload encryption, and the
 * cleanup of resources that activities opened.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { ClientOptions } from '@temporalio/client';
import { SimplePlugin } from '@temporalio/plugin';
import type {
  ActivityInterceptorsFactory,
  BundleOptions,
  ReplayWorkerOptions,
  Worker,
  WorkerOptions,
} from '@temporalio/worker';
import { workerWorkflowId } from '../contract/identity';
import type { SluiceError } from '../errors/sluice-error';
import { grpcStatusOf } from '../errors/temporal-failures';
import { inActivity } from '../metrics/stages';
import type { Logger } from 'pino';
import { longActivityLimit, type WorkerCapacity } from '../../activities/worker/long-activities';
import {
  createWorkerDependencies,
  type PluginActivities,
  type WorkerDependencies,
} from '../../activities/worker/worker-dependencies';
import { WorkerLease } from '../../activities/worker/worker-lease';
import type { KubernetesAccessOptions } from '../kubernetes/access';
import type { SecretReader } from '../kubernetes/secrets';
import type { PayloadKeySource } from '../payloads/key-ring';
import { PayloadEncryption } from '../payloads/payload-encryption';
import { createLog } from './create-log';
import { heartbeatWhileRunning } from './heartbeat-while-running';
import { refuseClash, refuseTwice } from './guards';
import { fixedActivitySlots, withCountedSlots } from './counted-slots';
import { requireOneSdk } from './one-sdk';
import { ProcessLoad } from './process-load';
import { RunningLocalActivities } from './running-local-activities';
import { LOOK_EVERY_MS, SlotWatch } from './slot-watch';
import type { WorkflowSlots } from './workflow-slots';
import { bundleCombined, combineWorkflows, requireOurWorkflows } from './workflow-entry';

export interface SluicePluginOptions {
  /** Location of the cluster; default: the pod's service account, else the kubeconfig. Opened on first use. */
  readonly kubernetes?: KubernetesAccessOptions;
  /** Default: mounted files, environment variables, then the Kubernetes API. */
  readonly secrets?: SecretReader;
  /** Replaces the address of every EventBus; default: environment variable `SLUICE_BUS_URL`. */
  readonly busUrl?: string;
  /** Base address of the Argo Workflows UI, for links; default: environment variable `SLUICE_ARGO_UI`. */
  readonly argoUi?: string;
  /**
   * Keys that encrypt the payloads in Temporal: the path of a file, which may change while the worker runs, or the list
   * itself. Default: environment variable `SLUICE_PAYLOAD_KEYS_FILE` or `SLUICE_PAYLOAD_KEYS`, else no encryption.
   */
  readonly payloadKeys?: PayloadKeySource;
  /** Default: pino, JSON lines on stdout. */
  readonly log?: Logger;
}

/** Default of the SDK if the owner of the worker sets none. */
const DEFAULT_ACTIVITY_SLOTS = 100;

/** Cancellation, pause and hand-over reach an activity with its heartbeats. */
const HEARTBEAT_THROTTLE = '500ms';

/** How long a worker that has lost its slots may take to end its activities. */
const HAND_OVER_MS = 5_000;
/** Later answers are those of a Temporal, or of a machine, that is too busy to judge by. */
const ANSWER_WITHIN_MS = 2_000;
const GRPC_NOT_FOUND = 5;

/** The base of both plugins; not for subclasses of your own. */
export abstract class SluicePlugin extends SimplePlugin {
  private readonly dependencies: WorkerDependencies;
  private opened: PluginActivities | undefined;
  private readonly payloadKeys: PayloadKeySource | undefined;
  private encryption: PayloadEncryption | undefined;
  private slots: WorkflowSlots | undefined;
  private slotWatch: SlotWatch | undefined;
  private readonly localActivities = new RunningLocalActivities();
  private lease: WorkerLease | undefined;

  constructor(name: string, options: SluicePluginOptions) {
    super({ name, workflowsPath: combineWorkflows });
    this.payloadKeys = options.payloadKeys;
    this.dependencies = createWorkerDependencies({ log: createLog(), ...options });
  }

  protected abstract createActivities(dependencies: WorkerDependencies): PluginActivities;

  override configureWorker(options: WorkerOptions): WorkerOptions {
    refuseTwice(this.name, options.plugins);
    requireOneSdk(this.name);
    const capacity = capacityOf(options);
    const { fireLoad, longActivities } = this.dependencies;
    longActivities.open(capacity);
    fireLoad.open(longActivities.slotsLeft);
    if (capacity.isDefault) this.warnOfDefault(capacity);
    const counted = withCountedSlots(options);
    this.slots = counted.slots;
    return this.configure(this.withLease(counted.options));
  }

  /** Of two plugins in a worker, the first one holds its lease. */
  private withLease(options: WorkerOptions): WorkerOptions {
    this.lease = undefined;
    if (options.activities !== undefined && 'sluiceHoldLease' in options.activities) return options;
    const { log, longActivities, busServers } = this.dependencies;
    const identity = `${options.identity ?? `${process.pid}@${hostname()}`}#${randomBytes(4).toString('hex')}`;
    const { taskQueue } = options;
    this.lease = new WorkerLease({
      taskQueue,
      identity,
      log,
      describe: () => ({ ...longActivities.counts(), ...(busServers && { busServers }) }),
    });
    return { ...options, identity, activities: { ...options.activities, ...this.lease.activities } };
  }

  private configure(options: WorkerOptions): WorkerOptions {
    this.opened ??= this.createActivities(this.dependencies);
    refuseClash(this.name, options.activities, this.opened.activities);
    if (options.workflowBundle !== undefined) {
      requireOurWorkflows(this.name, options.workflowBundle);
      return this.withActivities(this.withEncryption(options));
    }
    return this.withActivities(this.withEncryption(super.configureWorker(options)));
  }

  override configureClient(options: ClientOptions): ClientOptions {
    const dataConverter = this.readEncryption().converterFor(options.namespace ?? 'default', options.dataConverter);
    return { ...super.configureClient(options), dataConverter };
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions {
    const dataConverter = this.readEncryption().converterForReplay(options.dataConverter);
    return {
      ...(options.workflowBundle === undefined ? super.configureReplayWorker(options) : options),
      dataConverter,
    };
  }

  override configureBundler(options: BundleOptions): BundleOptions {
    const { failureConverterPath } = this.readEncryption();
    return bundleCombined(this.name, {
      ...(failureConverterPath === undefined ? {} : { failureConverterPath }),
      ...options,
    });
  }

  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    const stuck = new Promise<never>((_, reject) => this.watchSlots(worker, reject));
    const over = new AbortController();
    const { client } = worker;
    const leasing = client && this.lease?.keep(client, over.signal);
    try {
      await Promise.race([super.runWorker(worker, next), stuck]);
    } finally {
      over.abort();
      await leasing;
      this.slotWatch?.stop();
      this.slotWatch = undefined;
      const { opened } = this;
      // Another worker with this plugin gets its own activities.
      this.opened = undefined;
      await opened?.close();
      await this.dependencies.close();
    }
  }

  /** Why the worker takes no workflow tasks, although it runs; undefined if it takes them. */
  problem(): string | undefined {
    return this.slotWatch?.problem();
  }

  /** Of two plugins in a worker, the first one watches. */
  private watchSlots(worker: Worker, reject: (error: SluiceError) => void): void {
    if (this.slots === undefined) return;
    const { taskQueue } = worker.options;
    const { metrics, log } = this.dependencies;
    const load = new ProcessLoad(LOOK_EVERY_MS);
    this.slotWatch = new SlotWatch({
      ...{ slots: this.slots, taskQueue, metrics },
      isTemporalThere: () => answers(worker),
      wasAtRest: () => load.wasAtRest(),
      isWaitingFor: (workflowType) => this.localActivities.isRunningFor(workflowType),
      onLost: (error) => {
        log.fatal({ taskQueue, code: error.code }, `${error.message}. ${error.fix ?? ''}`);
        // Its activities go to other workers; it cannot end by itself, because it waits for the lost tasks.
        if (worker.getState() === 'RUNNING') worker.shutdown();
        setTimeout(() => reject(error), HAND_OVER_MS);
      },
    });
    this.slotWatch.start();
  }

  private withEncryption(options: WorkerOptions): WorkerOptions {
    const encryption = this.readEncryption();
    const { keyIds } = encryption;
    if (keyIds.length > 0)
      this.dependencies.log.info({ keys: keyIds }, 'payloads are encrypted with the first of these');
    return {
      ...options,
      dataConverter: encryption.converterFor(options.namespace ?? 'default', options.dataConverter),
    };
  }

  /** Read on first use: importing and constructing the plugin touches no file. */
  private readEncryption(): PayloadEncryption {
    return (this.encryption ??= PayloadEncryption.read(process.env, {
      ...(this.payloadKeys && { source: this.payloadKeys }),
      warn: (message) => this.dependencies.log.warn(message),
    }));
  }

  private warnOfDefault({ slots, sharedBy }: WorkerCapacity & { readonly slots: number }): void {
    const limit = longActivityLimit(slots, sharedBy);
    this.dependencies.log.warn(
      `${this.name}: this worker has ${slots} activity slots, the default of the SDK, and so takes at most ${limit} readers and listeners; maxConcurrentActivityTaskExecutions raises that`,
    );
  }

  private withActivities(options: WorkerOptions): WorkerOptions {
    return {
      // Before the owner's options, so that the owner's heartbeat settings take precedence.
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
      defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
      ...options,
      activities: { ...options.activities, ...this.opened?.activities },
      interceptors: {
        ...options.interceptors,
        activity: [
          ...(options.interceptors?.activity ?? []),
          labelActivities,
          heartbeatWhileRunning,
          this.localActivities.interceptors,
        ],
      },
    };
  }
}

/** For the event loop watch. Labels contain no payload, only types, and ids from manifests. */
const labelActivities: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    execute: (input, next) =>
      inActivity(`${info.activityType} of ${info.workflowExecution?.workflowId ?? 'no workflow'}`, () => next(input)),
  },
});

type ReadCapacity = WorkerCapacity &
  ({ readonly isDefault: true; readonly slots: number } | { readonly isDefault: false });

/** Asks about the worker's own workflow, so that it is not only Temporal's front end that answers. */
async function answers({ client, options }: Worker): Promise<boolean> {
  const { namespace, taskQueue, identity } = options;
  if (client === undefined || identity === undefined) return false;
  const execution = { workflowId: workerWorkflowId(taskQueue, identity) };
  return await client
    .withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      client.workflowService.describeWorkflowExecution({ namespace, execution }),
    )
    .then(
      () => true,
      (error: unknown) => grpcStatusOf(error)?.code === GRPC_NOT_FOUND,
    );
}

function capacityOf(options: WorkerOptions): ReadCapacity {
  const sharedBy = Math.max(1, options.plugins?.filter((plugin) => plugin instanceof SluicePlugin).length ?? 1);
  const { taskQueue = '', tuner, maxConcurrentActivityTaskExecutions } = options;
  const slots = maxConcurrentActivityTaskExecutions ?? fixedActivitySlots(tuner);
  if (slots === undefined && tuner === undefined) {
    return { taskQueue, sharedBy, slots: DEFAULT_ACTIVITY_SLOTS, isDefault: true };
  }
  return { taskQueue, sharedBy, slots, isDefault: false };
}
