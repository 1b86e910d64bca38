/** Rate and remaining time of a back-fill. Pure. */
import type { BackfillProgress, BackfillStatus } from '../../contract/backfill-messages';

export interface BackfillPace {
  /** Share of the range that is done, 0 to 1. */
  readonly share: number;
  /** Items per second, pauses not counted; absent at the very beginning. */
  readonly perSecond?: number;
  /** Estimated time until the end, at the pace so far; absent while there is nothing to go by. */
  readonly remainingMs?: number;
}

/** Before, an estimate would say more about the start than about the API. */
const SHORTEST_MS = 1_000;

export function beginBackfill(from: string): BackfillProgress {
  const nothing = { found: 0, published: 0, duplicates: 0, filtered: 0, rejected: 0 };
  return { ...nothing, doneTo: from, failures: 0, isComplete: false };
}

/** By the number of items if the API counts them, by time otherwise. */
export function paceOf(status: BackfillStatus): BackfillPace {
  const { found, matched, activeMs, isComplete } = status;
  if (isComplete) return { share: 1, ...(activeMs > 0 && { perSecond: perSecond(found, activeMs) }), remainingMs: 0 };
  const share = matched !== undefined && matched > 0 ? Math.min(found / matched, 1) : shareOfTime(status);
  if (activeMs < SHORTEST_MS) return { share };
  return {
    share,
    perSecond: perSecond(found, activeMs),
    ...(share > 0 && { remainingMs: Math.round((activeMs * (1 - share)) / share) }),
  };
}

function perSecond(items: number, ms: number): number {
  return Math.round((items / ms) * 10_000) / 10;
}

function shareOfTime({ request, doneTo }: BackfillStatus): number {
  const [from, to, done] = [request.from, request.to, doneTo].map((time) => Date.parse(time));
  if (from === undefined || to === undefined || done === undefined || to <= from) return 0;
  return Math.min(Math.max((done - from) / (to - from), 0), 1);
}
