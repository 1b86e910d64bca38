/** Says that workers use another server than a bus names: a wrong address in its manifest would show nowhere. */
import { serversOf } from '../../bus/bus-settings';
import type { EventBusSpec } from '../../manifest/event-bus';
import { workersOf } from '../ask-workflow';
import { lastSignOf } from '../signs-of-life';
import type { TemporalSession } from '../temporal-session';

/** Those of a deployment have one configuration; each is one request. */
const MOST_WORKERS = 5;
const NATS_PORT = 4222;

/** Resolves with undefined if the workers of this queue use the servers of the manifest, or it names none. */
export async function replacedAddress(
  session: TemporalSession,
  taskQueue: string,
  readSpec: () => Promise<EventBusSpec>,
): Promise<string | undefined> {
  const workers = (await workersOf(session, taskQueue)).slice(0, MOST_WORKERS);
  const signs = await Promise.all(workers.map((identity) => lastSignOf(session, taskQueue, identity)));
  const used = signs.flatMap((sign) => sign?.busServers ?? []);
  if (used.length === 0) return undefined;
  return describeReplaced((await readSpec()).jetstreamExotic?.url, [...new Set(used)]);
}

function describeReplaced(named: string | undefined, used: readonly string[]): string | undefined {
  const isUsed = new Set(used.map(hostAndPort));
  const servers = (named === undefined ? [] : serversOf(named)).filter((server) => !isUsed.has(hostAndPort(server)));
  if (servers.length === 0) return undefined;
  return `its address ${servers.join(', ')} is not used: SLUICE_BUS_URL of the workers replaces it by ${used.join(', ')}`;
}

function hostAndPort(server: string): string {
  const host = server.replace(/^\w+:\/\//, '').toLowerCase();
  return /:\d+$/.test(host) ? host : `${host}:${NATS_PORT}`;
}
