/** What a process takes of the machine, as Linux accounts for it. */
import { readFile } from 'node:fs/promises';

/** USER_HZ, which is 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  readonly pid: number;
  readonly program: string;
  readonly parent: number;
  /** CPU time of all threads since the process began. */
  readonly cpuSeconds: number;
}

/** Resident memory. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024);
}

/** CPU time of all threads since the process began. */
export async function cpuSeconds(pid: number): Promise<number> {
  return (await readStat(pid)).cpuSeconds;
}

/** `place`: a process id, or `<process id>/task/<thread id>`. */
export async function readStat(place: number | string): Promise<ProcessStat> {
  const stat = await readFile(`/proc/${place}/stat`, 'utf8');
  // The name in parentheses may contain spaces. After it: state, then fields 4 and following.
  const [nameBegin, nameEnd] = [stat.indexOf('('), stat.lastIndexOf(')')];
  const fields = stat.slice(nameEnd + 2).split(' ');
  return {
    pid: Number(stat.slice(0, nameBegin)),
    program: stat.slice(nameBegin + 1, nameEnd),
    parent: Number(fields[1]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}
