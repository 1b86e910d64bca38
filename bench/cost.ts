/** Where the CPU time of a burst goes, process by process, beside POSTs of the same objects by several clients. */
import { runBurst } from './burst';
import { cpuByProgram, cpuByThread, usedBetween } from './cpu-by-program';
import type { MeasuredSystem } from './measured-system';
import { scrape } from '../test/metrics/read-metrics';
import { requestsBetween } from './sensors';
import { nameOf, postAll, RAW_CLIENTS, type RawClient } from './raw-posts';

export interface Cost {
  readonly name: string;
  readonly perSecond: number;
  /** Milliseconds of CPU time for each event or POST, all processes together. */
  readonly allMs: number;
  readonly msByProgram: Readonly<Record<string, number>>;
  readonly msByWorkerThread?: Readonly<Record<string, number>>;
  /** Requests to Temporal by operation. */
  readonly requests?: Readonly<Record<string, number>>;
}

/** Of the events of a burst, and of the POSTs of each client. */
export async function measureCost(
  system: MeasuredSystem,
  events: number,
  rounds: number,
  say: (text: string) => void,
): Promise<Cost[]> {
  await runBurst(system, 300, 'warm');
  const costs: Cost[] = [];
  for (let round = 0; round < rounds; round += 1) {
    say(`burst of ${events} …`);
    costs.push(await costOfBurst(system, events, `c${round}`));
  }
  for (const create of RAW_CLIENTS) {
    const client = create(system.rawTarget);
    try {
      say(`${events} POSTs by ${nameOf(client)} …`);
      costs.push(await costOfPosts(system, client, events));
    } finally {
      await client.close();
    }
  }
  return costs;
}

async function costOfBurst(system: MeasuredSystem, events: number, tag: string): Promise<Cost> {
  const named = new Map([[system.workerPid, 'worker']]);
  const first = await scrape(system.metricsUrl);
  const [before, threadsBefore] = [await cpuByProgram(named), await cpuByThread(system.workerPid)];
  const perSecond = await runBurst(system, events, tag);
  const [after, threads] = [await cpuByProgram(named), await cpuByThread(system.workerPid)];
  return {
    ...costOf('Sluice', perSecond, usedBetween(before, after, events)),
    msByWorkerThread: Object.fromEntries(usedBetween(threadsBefore, threads, events)),
    requests: Object.fromEntries(requestsBetween(first, await scrape(system.metricsUrl)).slice(0, 6)),
  };
}

async function costOfPosts(system: MeasuredSystem, client: RawClient, events: number): Promise<Cost> {
  const bodyOf = await system.rawBodies(`${client.name.replace(/\W+/g, '').toLowerCase()}-${client.concurrency}`);
  const named = new Map([[system.workerPid, 'worker']]);
  await postAll(client, 200, (index) => bodyOf(events + index));
  const before = await cpuByProgram(named);
  const perSecond = await postAll(client, events, bodyOf);
  return costOf(nameOf(client), perSecond, usedBetween(before, await cpuByProgram(named), events));
}

function costOf(name: string, perSecond: number, ms: ReadonlyMap<string, number>): Cost {
  const allMs = [...ms.values()].reduce((sum, one) => sum + one, 0);
  return {
    name,
    perSecond: Math.round(perSecond),
    allMs: Math.round(allMs * 100) / 100,
    msByProgram: Object.fromEntries(ms),
  };
}

export function formatCost({ name, perSecond, allMs, msByProgram, msByWorkerThread, requests }: Cost): string {
  const list = (ms: Readonly<Record<string, number>>): string =>
    Object.entries(ms)
      .map(([part, one]) => `${part} ${one}`)
      .join(', ');
  const threads = msByWorkerThread === undefined ? '' : `\n  threads of the worker: ${list(msByWorkerThread)}`;
  const asked = requests === undefined ? '' : `\n  requests to Temporal: ${list(requests)}`;
  return `${name}: ${perSecond}/s, ${allMs} ms of CPU time each\n  ${list(msByProgram)}${threads}${asked}\n`;
}
