import type { DirectFire } from './direct-fire';

/** The most urgent first; those of one priority in their order. None for no fires. */
export function firesByPriority(
  fires: readonly DirectFire[],
): ReadonlyArray<{ readonly priority: number; readonly fires: readonly DirectFire[] }> {
  const priorities = [...new Set(fires.map(({ priority }) => priority))].sort((one, other) => one - other);
  return priorities.map((priority) => ({ priority, fires: fires.filter((fire) => fire.priority === priority) }));
}
