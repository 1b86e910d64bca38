/** The faults, by name. Each begins, holds for a time, ends, and leaves a system that could be well again. */
import { setTimeout as pause } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Outage } from '../../dev/processes/outage';
import { busNames } from '../../src/bus/bus-names';
import type { ApiBehaviour } from './api-proxy';
import { entriesWith, markOf } from './ledger';
import { NAMESPACE } from './flows';
import { observeEffects } from './observe';
import type { SeededRandom } from './seeded-random';
import type { FaultyWorld, Role } from './world';

const TENANT = { temporalNamespace: 'default', namespace: NAMESPACE, bus: 'default' };
const EVENT_STREAM = busNames(TENANT, 'own').events.stream;

export interface FaultContext {
  readonly world: FaultyWorld;
  readonly random: SeededRandom;
  /** How long a fault that lasts goes on. */
  readonly holdMs: number;
}

export type Fault = (context: FaultContext) => Promise<void>;

type ServerName = 'nats' | 'redis' | 'temporal' | 'api-server' | 'etcd';

function outage(world: FaultyWorld, name: ServerName): Outage {
  switch (name) {
    case 'nats':
      return world.nats.outage;
    case 'redis':
      return world.redis.leader().outage;
    case 'temporal':
      return world.temporal.outage;
    case 'api-server':
      return world.kubernetes.outages.apiServer;
    case 'etcd':
      return world.kubernetes.outages.etcd;
  }
}

const kill =
  (name: ServerName): Fault =>
  async ({ world, holdMs }) => {
    const server = outage(world, name);
    await server.crash();
    await pause(holdMs / 4);
    await server.restart();
  };

const stop =
  (name: ServerName): Fault =>
  async ({ world, holdMs }) => {
    const server = outage(world, name);
    server.pause();
    await pause(holdMs);
    server.resume();
  };

const restart =
  (name: ServerName): Fault =>
  ({ world }) =>
    outage(world, name).restart();

const cut =
  (name: 'nats' | 'redis' | 'temporal', how: 'cut' | 'silence'): Fault =>
  async ({ world, holdMs }) => {
    const network = world.network[name];
    network[how]();
    await pause(holdMs);
    network.heal();
  };

const api =
  (behaviour: ApiBehaviour): Fault =>
  async ({ world, holdMs }) => {
    world.network.api.behave(behaviour);
    await pause(holdMs);
    world.network.api.behave('pass');
  };

const killWorker =
  (role: Role): Fault =>
  async ({ world, random, holdMs }) => {
    const index = random.integer(2);
    await world.workers[role][index]?.kill();
    await pause(holdMs / 4);
    await (await world.replaceWorker(role, index)).stop();
  };

const stopWorker =
  (role: Role): Fault =>
  async ({ world, random, holdMs }) => {
    const worker = random.pick(world.workers[role]);
    worker.pause();
    await pause(holdMs);
    worker.resume();
  };

const killAllWorkers: Fault = async ({ world, holdMs }) => {
  const places = (['event-source', 'sensor'] as const).flatMap((role) => [0, 1].map((index) => ({ role, index })));
  const all = Object.values(world.workers).flat();
  await Promise.all(all.map((worker) => worker.kill()));
  await pause(holdMs / 4);
  for (const { role, index } of places) await (await world.replaceWorker(role, index)).stop();
};

/** As a rolling update: the new one is there before the former one ends. */
const replaceWorkers: Fault = async ({ world }) => {
  for (const index of [0, 1]) {
    for (const role of ['event-source', 'sensor'] as const) await (await world.replaceWorker(role, index)).stop();
  }
};

const changeManifests: Fault = async ({ world, holdMs }) => {
  await world.apply({ changed: true });
  await pause(holdMs);
  await world.apply({ changed: false });
};

const fillRedis: Fault = async ({ world, holdMs }) => {
  await world.publisher.fill(true);
  await pause(holdMs);
  await world.publisher.fill(false);
};

const fillBus: Fault = async ({ world, holdMs }) => {
  const connection = await connect({ servers: world.nats.url });
  try {
    const manager = await jetstreamManager(connection);
    const { config, state } = await manager.streams.info(EVENT_STREAM);
    const limited = { ...config, max_msgs: state.messages + 5, discard: 'new' as const };
    await manager.streams.update(EVENT_STREAM, limited);
    await pause(holdMs);
    await manager.streams.update(EVENT_STREAM, config);
  } finally {
    await connection.close();
  }
};

const destroyGroups: Fault = ({ world }) => world.publisher.destroyGroups();

const flushRedis: Fault = ({ world }) => world.publisher.flush();

/** What lay on it and had no effect yet is lost with it: no source repeats what it has acknowledged. */
const deleteStream: Fault = async ({ world }) => {
  const connection = await connect({ servers: world.nats.url });
  try {
    await (await jetstreamManager(connection)).streams.delete(EVENT_STREAM);
  } finally {
    await connection.close();
  }
  const effects = await observeEffects(world.observed);
  const fates = world.ledger.fates({ effects, parked: new Set(), decisions: new Map() });
  world.ledger.putAtRisk(entriesWith(fates, 'missing').map(markOf));
};

const changeRedisLeader: Fault = ({ world }) => world.redis.changeLeader(world.network.redis);

const catalogue = {
  'kill-event-source-worker': killWorker('event-source'),
  'kill-sensor-worker': killWorker('sensor'),
  'kill-all-workers': killAllWorkers,
  'stop-event-source-worker': stopWorker('event-source'),
  'stop-sensor-worker': stopWorker('sensor'),
  'replace-workers': replaceWorkers,
  'kill-nats': kill('nats'),
  'stop-nats': stop('nats'),
  'restart-nats': restart('nats'),
  'cut-nats': cut('nats', 'cut'),
  'silence-nats': cut('nats', 'silence'),
  'fill-bus': fillBus,
  'delete-stream': deleteStream,
  'kill-redis': kill('redis'),
  'stop-redis': stop('redis'),
  'restart-redis': restart('redis'),
  'cut-redis': cut('redis', 'cut'),
  'silence-redis': cut('redis', 'silence'),
  'fill-redis': fillRedis,
  'destroy-groups': destroyGroups,
  'flush-redis': flushRedis,
  'change-redis-leader': changeRedisLeader,
  'kill-temporal': kill('temporal'),
  'stop-temporal': stop('temporal'),
  'restart-temporal': restart('temporal'),
  'cut-temporal': cut('temporal', 'cut'),
  'silence-temporal': cut('temporal', 'silence'),
  'kill-api-server': kill('api-server'),
  'stop-api-server': stop('api-server'),
  'restart-api-server': restart('api-server'),
  'kill-etcd': kill('etcd'),
  'stop-etcd': stop('etcd'),
  'api-429': api(429),
  'api-500': api(500),
  'silence-api': api('silent'),
  'change-manifests': changeManifests,
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof catalogue;

export const FAULTS: Readonly<Record<FaultName, Fault>> = catalogue;

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(catalogue, name);
}

export const FAULT_NAMES: readonly FaultName[] = Object.keys(catalogue).filter(isFaultName);
