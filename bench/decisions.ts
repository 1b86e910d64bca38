/** The cost of keeping a record of every decision: bursts with and without, in turn. */
import { runBurst } from './burst';
import type { MeasuredSystem } from './measured-system';

export interface DecisionsResult {
  readonly keptPerSecond: number;
  readonly offPerSecond: number;
  /** Fraction of the throughput that the records cost; negative if the noise is larger than the cost. */
  readonly cost: number;
  /** The middle half of the rounds lies between these two. */
  readonly costFrom: number;
  readonly costTo: number;
}

/**
 * Each round is four bursts: without, with, with, without. Drift during a round (the API server slows down as its store
 * grows, a processor's clock changes) thus affects both alike. Medians over the rounds. Leaves decisions on.
 */
export async function measureDecisions(
  system: MeasuredSystem,
  events: number,
  rounds: number,
): Promise<DecisionsResult> {
  const kept: number[] = [];
  const off: number[] = [];
  const burst = (tag: string): Promise<number> => runBurst(system, events, tag).then((perSecond) => events / perSecond);
  for (let round = 0; round < rounds; round += 1) {
    await system.keepDecisions(false);
    const before = await burst(`off${round}a`);
    await system.keepDecisions(true);
    kept.push((await burst(`kept${round}a`)) + (await burst(`kept${round}b`)));
    await system.keepDecisions(false);
    off.push(before + (await burst(`off${round}b`)));
  }
  await system.keepDecisions(true);
  const costs = kept.map((seconds, round) => 1 - (off[round] ?? NaN) / seconds);
  const perSecond = (seconds: readonly number[]): number => Math.round((2 * events) / quantile(seconds, 0.5));
  return {
    keptPerSecond: perSecond(kept),
    offPerSecond: perSecond(off),
    cost: roundToThousandth(quantile(costs, 0.5)),
    costFrom: roundToThousandth(quantile(costs, 0.25)),
    costTo: roundToThousandth(quantile(costs, 0.75)),
  };
}

/** Interpolates between two values. */
function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * part;
  const lower = sorted[Math.floor(position)] ?? NaN;
  const upper = sorted[Math.ceil(position)] ?? NaN;
  return lower + (upper - lower) * (position - Math.floor(position));
}

function roundToThousandth(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
