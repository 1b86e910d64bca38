/** What it costs to keep a record of every decision: bursts with and without, in turn. */
import { runBurst } from './burst';
import type { MeasuredSystem } from './measured-system';

export interface DecisionsResult {
  readonly keptPerSecond: number;
  readonly offPerSecond: number;
  /** Part of the throughput that keeping them takes; negative where the noise is larger than the cost. */
  readonly cost: number;
}

/** Medians over the rounds. Leaves decisions on. */
export async function measureDecisions(
  system: MeasuredSystem,
  events: number,
  rounds: number,
): Promise<DecisionsResult> {
  const measured = { kept: [] as number[], off: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    // Turned round each time: the API server slows down as its store grows, and that must hit both alike.
    const order = round % 2 === 0 ? (['off', 'kept'] as const) : (['kept', 'off'] as const);
    for (const mode of order) {
      await system.keepDecisions(mode === 'kept');
      measured[mode].push(await runBurst(system, events, `${mode}${round}`));
    }
  }
  await system.keepDecisions(true);
  const [keptPerSecond, offPerSecond] = [median(measured.kept), median(measured.off)];
  return {
    keptPerSecond: Math.round(keptPerSecond),
    offPerSecond: Math.round(offPerSecond),
    cost: Math.round((1 - keptPerSecond / offPerSecond) * 1_000) / 1_000,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
