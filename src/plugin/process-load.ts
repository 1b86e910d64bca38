/**
 * Whether this process could have worked since the last look, and had nothing to do. On a machine that gives it no
 * processor, or while one of its threads is busy, slow work is no sign of lost work.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** A timer that is later than this part of its interval: the event loop was blocked, or the process stood still. */
const LATE_SHARE = 0.5;
/** Share of the time that a thread ran or waited for a processor. */
const BUSY_SHARE = 0.5;
const TASKS = '/proc/self/task';

export interface ProcessLoadSources {
  /** In milliseconds. */
  now(): number;
  /** Thread → nanoseconds that it has run or waited for a processor; empty where the system does not say it. */
  wanted(): ReadonlyMap<string, number>;
}

export class ProcessLoad {
  private lookedAt: number;
  private wanted: ReadonlyMap<string, number>;

  constructor(
    private readonly everyMs: number,
    private readonly sources: ProcessLoadSources = { now: () => performance.now(), wanted: wantedByThreads },
  ) {
    this.lookedAt = sources.now();
    this.wanted = sources.wanted();
  }

  /** Call it every `everyMs`. */
  wasAtRest(): boolean {
    const now = this.sources.now();
    const elapsedMs = now - this.lookedAt;
    const former = this.wanted;
    this.lookedAt = now;
    this.wanted = this.sources.wanted();
    if (elapsedMs > this.everyMs * (1 + LATE_SHARE)) return false;
    for (const [thread, ns] of this.wanted) {
      if (ns - (former.get(thread) ?? 0) > elapsedMs * 1e6 * BUSY_SHARE) return false;
    }
    return true;
  }
}

function wantedByThreads(): ReadonlyMap<string, number> {
  const wanted = new Map<string, number>();
  try {
    for (const thread of readdirSync(TASKS)) {
      const [ran = 0, waited = 0] = readFileSync(`${TASKS}/${thread}/schedstat`, 'utf8').split(' ').map(Number);
      wanted.set(thread, ran + waited);
    }
  } catch {
    // Another system, or a thread that has just ended: what was read counts.
  }
  return wanted;
}
