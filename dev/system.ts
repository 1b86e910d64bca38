/** Starts every server that Sluice needs: for the demo, the benchmark, the end-to-end tests and `sluice dev`. */
import { userInfo } from 'node:os';
import { startArgoControllerStandIn, type ArgoControllerStandIn } from './argo-controller-stand-in';
import {
  startKubernetes,
  startNats,
  startRedis,
  startStacApi,
  startTemporal,
  type OwnKubernetes,
  type RunningKubernetes,
  type RunningNats,
  type RunningRedis,
  type RunningStacApi,
  type RunningTemporal,
} from './servers';
import type { StacItem } from './stac-items';

export interface SystemOptions {
  /** Scenes of the STAC API; absent: no STAC API. */
  readonly scenes?: readonly StacItem[];
  /**
   * How long a Workflow runs in the stand-in; absent: no stand-in, Workflows stay as they were created. A cluster that
   * was not started here never gets one: its Workflows belong to its own controller.
   */
  readonly workflowDurationMs?: number;
  /** Redis addresses in manifests that mean the server started here; default: that of the water-bodies example. */
  readonly redisNames?: readonly string[];
  readonly temporalUi?: boolean;
  /** See StartTemporalOptions.dynamicConfig. */
  readonly temporalConfig?: Readonly<Record<string, string>>;
  /** Ignore servers that the environment names: all of them, or all but the cluster. */
  readonly own?: true | 'except-kubernetes';
  /** Called when each server responds. */
  readonly onStarted?: (name: string, where: string) => void;
}

export interface RunningSystem {
  readonly temporal: RunningTemporal;
  readonly nats: RunningNats;
  readonly redis: RunningRedis;
  readonly kubernetes: RunningKubernetes;
  readonly stac?: RunningStacApi;
  /** The addresses of all servers, for workers and for the `sluice` command. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const EXAMPLE_REDIS_NAMES = ['redis-service:6379'];

export interface OwnSystem extends RunningSystem {
  readonly kubernetes: OwnKubernetes;
}

export function startSystem(options: SystemOptions & { readonly own: true }): Promise<OwnSystem>;
export function startSystem(options?: SystemOptions): Promise<RunningSystem>;
export async function startSystem(options: SystemOptions = {}): Promise<RunningSystem> {
  const { scenes, workflowDurationMs, redisNames = EXAMPLE_REDIS_NAMES, own, onStarted } = options;
  const running: Array<{ stop(): Promise<void> }> = [];
  const stop = async (): Promise<void> => {
    await Promise.allSettled(running.splice(0).map((server) => server.stop()));
  };
  const start = async <Server extends { stop(): Promise<void> }>(
    name: string,
    starting: Promise<Server>,
    where: (server: Server) => string,
  ): Promise<Server> => {
    const server = await starting;
    running.push(server);
    onStarted?.(name, where(server));
    return server;
  };
  const ownOption = own === undefined ? {} : { own: true as const };
  try {
    const [temporal, nats, redis, kubernetes, stac] = await allOrNothing([
      start(
        'Temporal',
        startTemporal({
          ...ownOption,
          ...(options.temporalUi === false ? { headless: true } : {}),
          ...(options.temporalConfig && { dynamicConfig: options.temporalConfig }),
        }),
        ({ address, uiUrl }) => uiUrl || address,
      ),
      start('NATS JetStream', startNats(ownOption), ({ url }) => url),
      start('Redis', startRedis(ownOption), ({ url }) => url),
      start('Kubernetes API', startKubernetes(own === true ? { own } : {}), ({ url }) => url),
      scenes === undefined
        ? undefined
        : start(
            'STAC API',
            startStacApi({ ...ownOption, items: scenes }),
            ({ url, items }) => `${url}  ${items.length} scenes`,
          ),
    ]);
    if (workflowDurationMs !== undefined && kubernetes.ownership === 'external') {
      onStarted?.('Argo controller', 'that of the cluster');
    } else if (workflowDurationMs !== undefined && kubernetes.ownership === 'own') {
      const standIn: Promise<ArgoControllerStandIn> = startArgoControllerStandIn({
        kubernetes,
        durationMs: workflowDurationMs,
      });
      await start('Argo controller', standIn, () => 'a stand-in: moves Workflows through their phases, runs no step');
    }
    const redisAddress = `${redis.host}:${redis.port}`;
    return {
      temporal,
      nats,
      redis,
      kubernetes,
      ...(stac && { stac }),
      environment: {
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_NAMESPACE: 'default',
        SLUICE_BUS_URL: nats.url,
        SLUICE_REDIS_URL: redis.url,
        SLUICE_HOST_ALIASES: redisNames.map((name) => `${name}=${redisAddress}`).join(','),
        KUBECONFIG: kubernetes.kubeconfigPath,
        ...(temporal.ownership === 'external' ? taskQueuesOfOurOwn() : {}),
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Workers on a shared Temporal must not take the tasks of existing workers, which have another bus and another cluster.
 * The names stay the same, so that objects applied yesterday are served today.
 */
function taskQueuesOfOurOwn(): Record<string, string> {
  const { username } = userInfo();
  return {
    SLUICE_EVENT_SOURCE_TASK_QUEUE: `sluice-dev-event-sources-${username}`,
    SLUICE_SENSOR_TASK_QUEUE: `sluice-dev-sensors-${username}`,
  };
}

/** As Promise.all, but rejects only once every server has either started or failed, so that all can be stopped. */
async function allOrNothing<Started extends readonly unknown[]>(
  starting: Started,
): Promise<{ -readonly [Index in keyof Started]: Awaited<Started[Index]> }> {
  await Promise.allSettled(starting);
  return await Promise.all(starting);
}
