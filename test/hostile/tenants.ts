/** Both tenants on one pair of workers, and what became of B's events. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SluiceCommand } from '../../dev/demo/command';
import { startSystem } from '../../dev/system';
import { startWorker } from '../../dev/worker-process';
import { cpuByProgram, usedBetween, type CpuByProgram } from '../../bench/cpu-by-program';
import { eventually } from '../setup/eventually';
import { startHttpRecorder } from '../setup/http-recorder';
import { freePort } from '../sources/free-port';
import { requestsAt, workflowsOf, type Arrivals, type TriggerOfB } from './arrivals';
import type { AttackCounts } from './attacks';
import { startAttacker } from './start-attacker';
import { measureHops, type Hop } from './hops';
import { manifestsOfA, manifestsOfB, TENANT_A, TENANT_B } from './hostile-manifests';

/** As docs/multi-tenancy.md recommends. */
const FAIR_TASK_QUEUES = { 'matching.useNewMatcher': 'true', 'matching.enableFairness': 'true' };

export interface Round {
  /** Of each event, from its POST to the request or the Workflow that its trigger made, in the order of sending. */
  readonly latenciesMs: readonly number[];
  /** Numbers of events that did not come. */
  readonly missing: readonly number[];
  /** Numbers of events for which more than one fire was made; repeated requests of one fire have the same key. */
  readonly repeated: readonly number[];
  /** Of each event that came, in any order, in milliseconds; none for Workflows, which are created before the run. */
  readonly hops: ReadonlyArray<Readonly<Record<Hop, number>>>;
  /** Program → milliseconds of CPU in each second of the round. */
  readonly cpu: CpuByProgram;
}

export interface Tenants {
  /** Starts all attacks, or those of these names. */
  attack(only?: readonly string[]): Promise<void>;
  /** Resolves to how often each attack was made. */
  endAttacks(): Promise<AttackCounts>;
  /** B's events, at most so many in a second; waits until none is missing, or nothing has come for a minute. */
  sendOrders(count: number, perSecond: number): Promise<Round>;
  stop(): Promise<void>;
}

export interface TenantOptions {
  /** Of B's sensor. */
  readonly trigger?: TriggerOfB;
  /** Events of each tenant in a second; default: no limit. */
  readonly quota?: number;
}

export async function startTenants({ trigger = 'http', quota }: TenantOptions = {}): Promise<Tenants> {
  const closing: Array<() => Promise<unknown>> = [];
  const stop = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end().catch(() => undefined);
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-hostile-'));
    closing.push(() => rm(folder, { recursive: true }));
    const system = await startSystem({ own: true, temporalUi: false, temporalConfig: FAIR_TASK_QUEUES });
    closing.push(() => system.stop());
    const receiver = await startHttpRecorder();
    closing.push(() => receiver.close());
    const attacker = await startAttacker();
    closing.push(() => attacker.stop());
    const api = await system.kubernetes.connect();
    closing.push(() => Promise.resolve(api.close()));
    for (const name of [TENANT_A, TENANT_B]) await api.expect('POST', '/api/v1/namespaces', { metadata: { name } });
    const environment = {
      ...system.environment,
      SLUICE_LOG_LEVEL: 'error',
      ...(quota !== undefined && { SLUICE_EVENTS_PER_SECOND: String(quota) }),
    };
    const workers = await Promise.all([startWorker('event-source', environment), startWorker('sensor', environment)]);
    closing.push(...workers.map((worker) => () => worker.stop()));
    const [sourceWorker, sensorWorker] = workers;
    const programs = new Map([
      [attacker.pid, 'attacker'],
      [sourceWorker.pid, 'source worker'],
      [sensorWorker.pid, 'sensor worker'],
    ]);
    const sluice = new SluiceCommand(system.environment);
    const ports = { a: await freePort(), b: await freePort() };
    const addresses = {
      receiver: receiver.url,
      attacker: attacker.url,
      redis: `${system.redis.host}:${system.redis.port}`,
    };
    const apply = async (namespace: string, text: string): Promise<void> => {
      const path = join(folder, `${namespace}.yaml`);
      await writeFile(path, text);
      await sluice.json('apply', '-f', path, '-n', namespace, '--wait', '60s');
    };
    const arrivals = trigger === 'http' ? requestsAt(receiver) : await workflowsOf(api);
    closing.push(() => Promise.resolve(arrivals.close()));
    await apply(TENANT_B, manifestsOfB(ports, addresses, trigger));
    return {
      attack: async (only) => {
        await apply(TENANT_A, manifestsOfA(ports, addresses));
        const { url, caPath, adminToken: token } = system.kubernetes;
        const apiServer = { url, caPath, token };
        attacker.attack({ port: ports.a, redisUrl: system.redis.url, apiServer, ...(only && { only }) });
      },
      endAttacks: () => attacker.stop(),
      sendOrders: async (count, perSecond) => {
        const begin = { at: Date.now(), cpu: await cpuByProgram(programs) };
        const round = await sendOrders(ports.b, arrivals, count, perSecond);
        const seconds = (Date.now() - begin.at) / 1_000;
        const cpu = usedBetween(begin.cpu, await cpuByProgram(programs), seconds);
        const events = round.sentAt.flatMap((sentAt, n) => {
          const firedAt = round.firedAt.get(n);
          return firedAt === undefined ? [] : [{ n, sentAt, firedAt }];
        });
        return {
          latenciesMs: events.map(({ sentAt, firedAt }) => firedAt - sentAt),
          missing: round.sentAt.flatMap((_at, n) => (round.firedAt.has(n) ? [] : [n])),
          repeated: round.sentAt.flatMap((_at, n) => ((round.fireIds.get(n)?.size ?? 0) > 1 ? [n] : [])),
          hops: trigger === 'http' ? await measureHops(system.environment, events) : [],
          cpu,
        };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Orders {
  readonly sentAt: readonly number[];
  readonly firedAt: ReadonlyMap<number, number>;
  readonly fireIds: ReadonlyMap<number, ReadonlySet<string>>;
}

async function sendOrders(port: number, arrivals: Arrivals, count: number, perSecond: number): Promise<Orders> {
  arrivals.forget();
  const sentAt: number[] = [];
  const sending: Array<Promise<void>> = [];
  const start = performance.now();
  for (let n = 0; n < count; n++) {
    await pause(Math.max(0, start + (n * 1_000) / perSecond - performance.now()));
    sentAt[n] = Date.now();
    sending.push(sendOrder(port, n));
  }
  await Promise.all(sending);
  let came = -1;
  let cameAt = Date.now();
  const firedAt = await eventually(
    () => {
      const found = new Map(arrivals.all().map(({ n, at }) => [n, at]));
      if (found.size !== came) [came, cameAt] = [found.size, Date.now()];
      return found.size === count || Date.now() - cameAt > 60_000 ? found : undefined;
    },
    { timeoutMs: 600_000 },
  );
  const fireIds = new Map<number, Set<string>>();
  for (const { n, fire } of arrivals.all()) fireIds.set(n, (fireIds.get(n) ?? new Set()).add(fire));
  return { sentAt, firedAt, fireIds };
}

/** As a caller does that wants its event to arrive: again until it is taken. */
async function sendOrder(port: number, n: number): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'idempotency-key': `order-${n}-${port}-${process.hrtime()[1]}`,
  };
  const body = JSON.stringify({ n, name: `${n}` });
  await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/orders`, { method: 'POST', headers, body });
    await response.text();
    return response.ok;
  });
}
