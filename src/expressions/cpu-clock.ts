/**
 * CPU time of one thread, so that a limit on an expression means the same on a busy machine as on an idle one.
 *
 * Linux counts it for each thread. Elsewhere the CPU time of the whole process is used, divided by the number of
 * threads that are usually busy; an expression may then get more time than its limit, but is always limited.
 */
import { closeSync, openSync, readSync, readlinkSync } from 'node:fs';

export interface CpuClock {
  /** Milliseconds of CPU time. */
  read(): number;
  close(): void;
}

/** The thread's id is unknown: there is no /proc, or it has no data per thread. */
export const UNKNOWN_THREAD = -1;

const BUSY_THREADS = 4;
const NS_PER_MS = 1e6;
const LONGEST_LINE = 100;

/** The operating system's id of the calling thread, or `UNKNOWN_THREAD`. */
export function currentThreadId(): number {
  try {
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    const clock = createCpuClock(id);
    const used = clock.read();
    clock.close();
    return used > 0 ? id : UNKNOWN_THREAD; // some kernels have the file but do not count
  } catch {
    return UNKNOWN_THREAD;
  }
}

/** The clock of a thread of this process. It stops when the thread has ended. */
export function createCpuClock(threadId: number): CpuClock {
  if (threadId === UNKNOWN_THREAD) return { read: readProcessClock, close: () => undefined };
  let file: number;
  try {
    file = openSync(pathOf(threadId), 'r');
  } catch {
    return { read: () => 0, close: () => undefined }; // The thread has ended already.
  }
  const line = Buffer.alloc(LONGEST_LINE);
  let last = 0;
  return {
    read: () => {
      try {
        const length = readSync(file, line, 0, LONGEST_LINE, 0);
        last = Number(line.toString('latin1', 0, length).split(' ')[0]) / NS_PER_MS;
      } catch {
        // ESRCH: the thread has ended, and its clock with it.
      }
      return last;
    },
    close: () => closeSync(file),
  };
}

/** "time on the CPU in ns, time waiting for it in ns, number of time slices". */
function pathOf(threadId: number): string {
  return `/proc/self/task/${threadId}/schedstat`;
}

function readProcessClock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 / BUSY_THREADS;
}
