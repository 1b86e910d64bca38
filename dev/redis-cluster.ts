/** A Redis Cluster of masters, each with a part of the slots, or without any. */
import Redis from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { DevServerError } from './dev-server-error';
import { startOnFreePorts } from './processes/free-ports';
import { startRedis, type RunningRedis } from './redis';

const SLOTS = 16_384;
const READY_WITHIN_MS = 30_000;

export interface ClusterNode {
  readonly server: RunningRedis;
  /** To this node alone, which refers to the others. */
  readonly client: Redis;
  /** host:port */
  readonly address: string;
  /** Where the nodes speak to each other. */
  readonly busPort: number;
}

export interface RunningRedisCluster {
  readonly nodes: readonly ClusterNode[];
  /** The node that has the key before any slot is moved. */
  ownerOf(key: string): Promise<ClusterNode>;
  /** Moves the slot of the key, with all that is in it; `from` is its first owner if it is omitted. */
  move(key: string, to: ClusterNode, from?: ClusterNode): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisCluster(count: number): Promise<RunningRedisCluster> {
  const nodes: ClusterNode[] = [];
  const stop = async (): Promise<void> => {
    for (const { client } of nodes) client.disconnect();
    await Promise.all(nodes.map(({ server }) => server.stop()));
  };
  try {
    for (let index = 0; index < count; index += 1) nodes.push(await startNode());
    await join(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const ownerOf = async (key: string): Promise<ClusterNode> => {
    const slot = await slotOf(nodes, key);
    const owner = nodes[slotOwner(slot, nodes.length)];
    if (owner === undefined) throw new DevServerError(`no node has the slot ${slot}`);
    return owner;
  };
  return {
    nodes,
    ownerOf,
    move: async (key, to, from) => moveSlot(key, from ?? (await ownerOf(key)), to, nodes),
    stop,
  };
}

async function startNode(): Promise<ClusterNode> {
  // Redis' own choice, the port plus 10,000, may be above what there is.
  return await startOnFreePorts([undefined], async (busPort) => {
    const settings = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
    const server = await startRedis({ own: true, settings });
    const client = new Redis(server.url, { maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    return { server, client, busPort, address: `${server.host}:${server.port}` };
  });
}

async function join(nodes: readonly ClusterNode[]): Promise<void> {
  const [first] = nodes;
  for (const [index, { client }] of nodes.entries()) {
    const [from, to] = [firstSlot(index, nodes.length), firstSlot(index + 1, nodes.length) - 1];
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    // Nodes that choose the same epoch would take some time to notice.
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
  for (const { server, busPort } of nodes.slice(1)) {
    await first?.client.call('CLUSTER', 'MEET', server.host, server.port, busPort);
  }
  const deadline = Date.now() + READY_WITHIN_MS;
  for (const { client } of nodes) {
    while (!(await isComplete(client, nodes.length))) {
      if (Date.now() > deadline) throw new DevServerError('the nodes did not become a cluster');
      await delay(50);
    }
  }
}

async function isComplete(client: Redis, count: number): Promise<boolean> {
  const info = String(await client.call('CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`);
}

async function moveSlot(key: string, from: ClusterNode, to: ClusterNode, nodes: readonly ClusterNode[]): Promise<void> {
  const slot = await slotOf(nodes, key);
  const [fromId, toId] = await Promise.all([from, to].map(({ client }) => client.call('CLUSTER', 'MYID')));
  await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
  await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
  const keys = (await from.client.call('CLUSTER', 'GETKEYSINSLOT', slot, 1_000)) as string[];
  if (keys.length > 0) {
    await from.client.call('MIGRATE', to.server.host, to.server.port, '', 0, 5_000, 'KEYS', ...keys);
  }
  for (const { client } of [to, from]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
}

async function slotOf(nodes: readonly ClusterNode[], key: string): Promise<number> {
  return Number(await nodes[0]?.client.call('CLUSTER', 'KEYSLOT', key));
}

function firstSlot(index: number, count: number): number {
  return Math.floor((index * SLOTS) / count);
}

function slotOwner(slot: number, count: number): number {
  for (let index = count - 1; index > 0; index -= 1) if (slot >= firstSlot(index, count)) return index;
  return 0;
}
