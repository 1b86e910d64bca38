/** Many open Workflows: whether a worker's speed and memory depend on its earlier work. */
import { setTimeout as pause } from 'node:timers/promises';
import type { MeasuredSystem } from './measured-system';
import { residentMb } from './process-usage';

export interface LongResult {
  readonly events: number;
  readonly firstQuarterPerSecond: number;
  readonly lastQuarterPerSecond: number;
  /** Resident memory of the worker in MB: before the first event, after each quarter, and the highest seen. */
  readonly idleMb: number;
  readonly quarterMb: readonly number[];
  readonly highestMb: number;
}

const CHUNK = 5_000;
/** A chunk takes seconds; if one takes this long, the machine is stuck. */
const GIVE_UP_AFTER_MS = 600_000;

/** Publishes chunk by chunk, each once the previous one has become Workflows, which are left open. */
export async function measureLong(
  system: MeasuredSystem,
  events: number,
  say: (text: string) => void,
): Promise<LongResult> {
  const idleMb = await residentMb(system.workerPid);
  let highestMb = idleMb;
  const quarterMb: number[] = [];
  const quarterSeconds: number[] = [];
  const perQuarter = Math.ceil(events / 4);
  const before = await system.countWorkflows();
  for (let quarter = 0; quarter < 4; quarter += 1) {
    const begun = performance.now();
    for (let done = 0; done < perQuarter; done += CHUNK) {
      const count = Math.min(CHUNK, perQuarter - done);
      const wanted = before + quarter * perQuarter + done + count;
      await system.publish(count, `long${quarter}x${done}`);
      const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
      while ((await system.countWorkflows()) < wanted) {
        if (performance.now() > giveUpAt) throw new Error(`${wanted} Workflows were not reached`);
        highestMb = Math.max(highestMb, await residentMb(system.workerPid));
        await pause(100);
      }
    }
    quarterSeconds.push((performance.now() - begun) / 1_000);
    quarterMb.push(await residentMb(system.workerPid));
    say(`  ${perQuarter * (quarter + 1)} Workflows open, worker at ${quarterMb.at(-1)} MB`);
  }
  const perSecond = (seconds: number | undefined): number => Math.round(perQuarter / (seconds ?? Number.NaN));
  return {
    events: perQuarter * 4,
    firstQuarterPerSecond: perSecond(quarterSeconds[0]),
    lastQuarterPerSecond: perSecond(quarterSeconds.at(-1)),
    idleMb,
    quarterMb,
    highestMb: Math.max(highestMb, ...quarterMb),
  };
}
