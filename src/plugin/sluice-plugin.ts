/**
 * Common part of both plugins. Adds five things to a worker: our workflows, our activities, heartbeats frequent enough
 * to pause and hand over within a second, payload encryption, and the cleanup of resources that activities opened.
 */
import type { ClientOptions } from '@temporalio/client';
import { SimplePlugin } from '@temporalio/plugin';
import type {
  ActivityInterceptorsFactory,
  BundleOptions,
  ReplayWorkerOptions,
  Worker,
  WorkerOptions,
} from '@temporalio/worker';
import { inActivity } from '../metrics/stages';
import type { Logger } from 'pino';
import { longActivityLimit, type WorkerCapacity } from '../../activities/worker/long-activities';
import {
  createWorkerDependencies,
  type PluginActivities,
  type WorkerDependencies,
} from '../../activities/worker/worker-dependencies';
import type { KubernetesAccessOptions } from '../kubernetes/access';
import type { SecretReader } from '../kubernetes/secrets';
import type { PayloadKeySource } from '../payloads/key-ring';
import { PayloadEncryption } from '../payloads/payload-encryption';
import { createLog } from './create-log';
import { heartbeatWhileRunning } from './heartbeat-while-running';
import { refuseClash, refuseTwice } from './guards';
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

export abstract class SluicePlugin extends SimplePlugin {
  private readonly dependencies: WorkerDependencies;
  private opened: PluginActivities | undefined;
  private readonly payloadKeys: PayloadKeySource | undefined;
  private encryption: PayloadEncryption | undefined;

  constructor(name: string, options: SluicePluginOptions) {
    super({ name, workflowsPath: combineWorkflows });
    this.payloadKeys = options.payloadKeys;
    this.dependencies = createWorkerDependencies({ log: createLog(), ...options });
  }

  protected abstract createActivities(dependencies: WorkerDependencies): PluginActivities;

  override configureWorker(options: WorkerOptions): WorkerOptions {
    refuseTwice(this.name, options.plugins);
    const capacity = capacityOf(options);
    this.dependencies.longActivities.open(capacity);
    if (capacity.isDefault) this.warnOfDefault(capacity);
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
    return bundleCombined({ ...(failureConverterPath === undefined ? {} : { failureConverterPath }), ...options });
  }

  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    try {
      await super.runWorker(worker, next);
    } finally {
      const { opened } = this;
      // Another worker with this plugin gets its own activities.
      this.opened = undefined;
      await opened?.close();
      await this.dependencies.close();
    }
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
        activity: [...(options.interceptors?.activity ?? []), labelActivities, heartbeatWhileRunning],
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

function capacityOf(options: WorkerOptions): ReadCapacity {
  const sharedBy = Math.max(1, options.plugins?.filter((plugin) => plugin instanceof SluicePlugin).length ?? 1);
  const { taskQueue = '', tuner, maxConcurrentActivityTaskExecutions: slots } = options;
  if (slots === undefined && tuner === undefined) {
    return { taskQueue, sharedBy, slots: DEFAULT_ACTIVITY_SLOTS, isDefault: true };
  }
  return { taskQueue, sharedBy, slots, isDefault: false };
}
