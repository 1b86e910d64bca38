/** Resources that the activities of one worker share. Created when the worker starts, closed when it has ended. */
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { serversOf } from '../../src/bus/bus-settings';
import { connectBus } from '../../src/bus/connect';
import { createExpressionEngine } from '../../src/expressions';
import {
  createKubernetesAccess,
  type KubernetesAccess,
  type KubernetesAccessOptions,
} from '../../src/kubernetes/access';
import { readBlockedRanges } from '../../src/clients/blocked-addresses';
import { createSecretReader } from '../../src/kubernetes/secret-readers';
import { restrictSecrets, type SecretReader } from '../../src/kubernetes/secrets';
import { readPermissions } from '../../src/kubernetes/worker-permissions';
import { Metrics } from '../../src/metrics/metrics';
import type { ExpressionEngine } from '../../src/expressions/engine';
import { readTriggerIdentity, type TriggerIdentity } from '../../src/kubernetes/trigger-identity';
import { BusPool } from './bus-pool';
import { currentTenant } from './current-tenant';
import { FireLoad } from './fire-load';
import { LongActivities } from './long-activities';
import { readHighestPriority } from './priority-bound';

export interface WorkerDependencies {
  readonly buses: BusPool;
  /** Replace those of every EventBus: commands, which do not have the worker's environment, say so. */
  readonly busServers?: readonly string[];
  readonly secrets: SecretReader;
  /** Connects on first use: a worker that only calls HTTP needs no cluster. */
  readonly kubernetes: KubernetesAccess;
  readonly engine: ExpressionEngine;
  readonly fireLoad: FireLoad;
  /** Activities that run until their object is deleted. */
  readonly longActivities: LongActivities;
  readonly metrics: Metrics;
  /** Base address of the Argo Workflows UI, for links. */
  readonly argoUi?: string;
  readonly triggerIdentity: TriggerIdentity;
  readonly log: Logger;
  close(): Promise<void>;
}

/** Activities of one plugin and the resources that they hold besides the shared dependencies. */
export interface PluginActivities {
  readonly activities: object;
  close(): Promise<void>;
}

export interface WorkerDependencyOptions {
  readonly log: Logger;
  readonly kubernetes?: KubernetesAccessOptions;
  /** Replaces Kubernetes Secrets, mounted files and the environment. */
  readonly secrets?: SecretReader;
  /** Replaces the address of each EventBus; default: environment variable `SLUICE_BUS_URL`. */
  readonly busUrl?: string;
  /** Base address of the Argo Workflows UI; default: environment variable `SLUICE_ARGO_UI`. */
  readonly argoUi?: string;
}

export function createWorkerDependencies(options: WorkerDependencyOptions): WorkerDependencies {
  const { log, argoUi = process.env.SLUICE_ARGO_UI } = options;
  // They are read again where they apply; what cannot be read must fail the start, not the first event.
  readBlockedRanges(process.env);
  readHighestPriority(process.env);
  const permissions = options.kubernetes?.permissions ?? readPermissions(process.env);
  const kubernetes = createKubernetesAccess({ ...options.kubernetes, permissions });
  const secrets = restrictSecrets(options.secrets ?? createSecretReader({ kubernetes }), permissions);
  const engine = createExpressionEngine({ tenantOf: currentTenant });
  const buses = new BusPool((definition, temporalNamespace, signal) =>
    connectBus(definition, secrets, {
      temporalNamespace,
      signal,
      log: (level, message) => log[level](message),
      ...(options.busUrl === undefined ? {} : { url: options.busUrl }),
    }),
  );
  const busUrl = options.busUrl ?? process.env.SLUICE_BUS_URL;
  const metrics = new Metrics(() => Runtime.instance().metricMeter);
  return {
    buses,
    ...(busUrl && { busServers: serversOf(busUrl) }),
    secrets,
    kubernetes,
    engine,
    fireLoad: new FireLoad(),
    longActivities: new LongActivities(metrics, log),
    metrics,
    ...(argoUi && { argoUi }),
    triggerIdentity: readTriggerIdentity(process.env),
    log,
    async close() {
      await Promise.allSettled([buses.close(), engine.close()]);
      kubernetes.close();
      metrics.flush();
    },
  };
}
