import type { CloudEvent } from '../../event/cloud-event';
import type { LedgerFire } from './run-ledger';

/** The events that these fires use, and the fires with their indexes into that list. Pure. */
export function keepUsedEvents<Fire extends LedgerFire>(
  fires: readonly Fire[],
  events: readonly CloudEvent[],
): { readonly fires: readonly Fire[]; readonly events: readonly CloudEvent[] } {
  const used = [...new Set(fires.flatMap((fire) => Object.values(fire.dependencies).flat()))];
  const position = new Map(used.map((index, at) => [index, at]));
  const moved = (indexes: readonly number[]): number[] => indexes.map((index) => position.get(index) ?? 0);
  return {
    events: used.map((index) => events[index]).filter((event) => event !== undefined),
    fires: fires.map((fire) => ({
      ...fire,
      dependencies: Object.fromEntries(
        Object.entries(fire.dependencies).map(([name, indexes]) => [name, moved(indexes)]),
      ),
    })),
  };
}
