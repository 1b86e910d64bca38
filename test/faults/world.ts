/** Everything of Sluice, two of every worker, with a network in between that can be cut. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startArgoControllerStandIn } from '../../dev/argo-controller-stand-in';
import { SluiceCommand } from '../../dev/demo/command';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import {
  startKubernetes,
  startNats,
  startTemporal,
  type OwnKubernetes,
  type RunningNats,
  type RunningTemporal,
} from '../../dev/servers';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { connectBus } from '../../src/bus/connect';
import { secretsFrom } from '../setup/secrets';
import { startHttpRecorder } from '../setup/http-recorder';
import { startApiProxy, type ApiProxy } from './api-proxy';
import { EVENT_SOURCE, NAMESPACE, REDIS_NAME } from './flows';
import { Ledger } from './ledger';
import { manifests, type Variant } from './manifests';
import type { Observed } from './observe';
import { Publisher } from './publisher';
import { startRedisPair, type RedisPair } from './redis-pair';
import { startTcpProxy, type TcpProxy } from './tcp-proxy';

const WORKFLOW_DURATION_MS = 300;

export type Role = 'event-source' | 'sensor';

export interface FaultyWorld {
  readonly redis: RedisPair;
  readonly nats: RunningNats;
  readonly temporal: RunningTemporal;
  readonly kubernetes: OwnKubernetes;
  /** Between the workers and each server. */
  readonly network: Readonly<Record<'redis' | 'nats' | 'temporal', TcpProxy>> & { readonly api: ApiProxy };
  /** Two of each. */
  readonly workers: Readonly<Record<Role, RunningWorker[]>>;
  readonly ledger: Ledger;
  readonly publisher: Publisher;
  readonly observed: Observed;
  /** `sluice`, past the proxies. */
  readonly sluice: SluiceCommand;
  /** A worker more of this role, in place of the one at this index; the former one is the caller's. */
  replaceWorker(role: Role, index: number): Promise<RunningWorker>;
  apply(variant: Variant): Promise<void>;
  stop(): Promise<void>;
}

export async function startFaultyWorld(): Promise<FaultyWorld> {
  const closing: Array<() => Promise<unknown>> = [];
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close().catch(() => undefined);
  };
  const keep = <Part>(part: Part, close: (part: Part) => Promise<unknown>): Part => {
    closing.push(() => close(part));
    return part;
  };
  try {
    return await start(keep, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

type Keep = <Part>(part: Part, close: (part: Part) => Promise<unknown>) => Part;

async function start(keep: Keep, stop: () => Promise<void>): Promise<FaultyWorld> {
  const stopIt = (part: { stop(): Promise<void> }) => part.stop();
  const closeIt = (part: { close(): Promise<void> }) => part.close();
  const data = keep(await createTemporaryFolder('faults'), removeFolder);
  const redis = keep(await startRedisPair(), stopIt);
  const nats = keep(await startNats({ own: true }), stopIt);
  const temporal = keep(
    await startTemporal({ own: true, headless: true, databasePath: join(data, 'temporal.db') }),
    stopIt,
  );
  const kubernetes = keep(await startKubernetes({ own: true }), stopIt);
  keep(await startArgoControllerStandIn({ kubernetes, durationMs: WORKFLOW_DURATION_MS }), stopIt);
  const network = {
    redis: keep(await startTcpProxy(redis.leader().port), closeIt),
    nats: keep(await startTcpProxy(nats.port), closeIt),
    temporal: keep(await startTcpProxy(portOf(temporal.address)), closeIt),
    api: keep(await startApiProxy(kubernetes), closeIt),
  };
  const receiver = keep(await startHttpRecorder(), closeIt);

  const environment = {
    TEMPORAL_NAMESPACE: 'default',
    SLUICE_HOST_ALIASES: `${REDIS_NAME}=127.0.0.1:${network.redis.port}`,
  };
  const startOne = (role: Role): Promise<RunningWorker> =>
    startWorker(role, {
      ...environment,
      TEMPORAL_ADDRESS: `127.0.0.1:${network.temporal.port}`,
      SLUICE_BUS_URL: `nats://127.0.0.1:${network.nats.port}`,
      KUBECONFIG: network.api.kubeconfigPath,
      SLUICE_LOG_LEVEL: 'warn',
    });
  const workers: Record<Role, RunningWorker[]> = { 'event-source': [], sensor: [] };
  keep(workers, (all) => Promise.allSettled([...all['event-source'], ...all.sensor].map(endWorker)));
  const starting = (['event-source', 'sensor', 'event-source', 'sensor'] as const).map(async (role) =>
    workers[role].push(await startOne(role)),
  );
  // All have started or failed before the first failure is reported, so that all can be ended.
  await Promise.allSettled(starting);
  await Promise.all(starting);

  const direct = {
    ...environment,
    TEMPORAL_ADDRESS: temporal.address,
    SLUICE_BUS_URL: nats.url,
    KUBECONFIG: kubernetes.kubeconfigPath,
  };
  const sluice = new SluiceCommand(direct);
  const apply = async (variant: Variant): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
    try {
      const path = join(folder, 'all.yaml');
      await writeFile(path, manifests(receiver.url, variant));
      await sluice.json('apply', '-f', path, '-n', NAMESPACE, '--wait', '60s');
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  await apply({ changed: false });

  const connection = keep(await Connection.connect({ address: temporal.address }), closeIt);
  const bus = keep(
    await connectBus(
      { namespace: NAMESPACE, name: 'default', spec: { jetstreamExotic: { url: nats.url } } },
      secretsFrom(),
      { temporalNamespace: 'default', url: nats.url },
    ),
    closeIt,
  );
  const api = await kubernetes.connect();
  keep(api, (client) => Promise.resolve(client.close()));
  const ledger = new Ledger();
  const publisher = new Publisher(() => redis.leader(), ledger, true);
  keep(publisher, (one) => Promise.resolve(one.close()));
  return {
    redis,
    nats,
    temporal,
    kubernetes,
    network,
    workers,
    ledger,
    publisher,
    observed: { api, client: new Client({ connection }), receiver, bus },
    sluice,
    replaceWorker: async (role, index) => {
      const before = workers[role][index];
      if (before === undefined) throw new Error(`there is no ${role} worker ${index} of ${EVENT_SOURCE}`);
      workers[role][index] = await startOne(role);
      return before;
    },
    apply,
    stop,
  };
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

/** What is stopped by SIGSTOP cannot end in order. */
async function endWorker(worker: RunningWorker): Promise<void> {
  worker.resume();
  await worker.kill();
  await worker.stop();
}
