/** CPU time of this process and of everything that it has started, by program. Meaningful on a busy machine, too. */
import { readdir } from 'node:fs/promises';
import { readStat } from './process-usage';

/** Program → seconds. The process itself is `client`. */
export type CpuByProgram = ReadonlyMap<string, number>;

/** `named`: process ids with names of their own, such as that of the worker, which is a `node` as others are. */
export async function cpuByProgram(named: ReadonlyMap<number, string>): Promise<CpuByProgram> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = (await Promise.all(pids.map((pid) => readStat(pid).catch(() => undefined)))).filter(
    (stat) => stat !== undefined,
  );
  const parents = new Map(stats.map(({ pid, parent }) => [pid, parent]));
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
      if (at === process.pid) return true;
    }
    return false;
  };
  const seconds = new Map<string, number>();
  for (const { pid, program, cpuSeconds } of stats) {
    if (!isOurs(pid)) continue;
    const name = pid === process.pid ? 'client' : (named.get(pid) ?? program);
    seconds.set(name, (seconds.get(name) ?? 0) + cpuSeconds);
  }
  return seconds;
}

/** Threads of a process by name → seconds. */
export async function cpuByThread(pid: number): Promise<CpuByProgram> {
  const seconds = new Map<string, number>();
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readStat(`${pid}/task/${thread}`).catch(() => undefined);
    if (stat === undefined) continue;
    const name = Number(thread) === pid ? 'main thread' : stat.program;
    seconds.set(name, (seconds.get(name) ?? 0) + stat.cpuSeconds);
  }
  return seconds;
}

/** What was used between two readings, in milliseconds for each of `count`; the largest first. */
export function usedBetween(before: CpuByProgram, after: CpuByProgram, count: number): ReadonlyMap<string, number> {
  const used = [...after].map(([name, seconds]): [string, number] => [
    name,
    Math.round(((seconds - (before.get(name) ?? 0)) * 100_000) / count) / 100,
  ]);
  return new Map(used.filter(([, ms]) => ms >= 0.01).sort(([, one], [, other]) => other - one));
}
