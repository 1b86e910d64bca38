/** Which fires of a run share an activity, although they may wait for their target. Pure. */
import type { Fire } from '../../contract/packed-fires';
import type { TriggerSpec } from '../../manifest/sensor';

/** As many as an activity sends at a time, so that it takes no longer than its slowest call. */
const MOST_TOGETHER = 32;

/**
 * Fires of one trigger share activities: in a storm, one for each fire would cost Temporal more than all else. Their
 * results wait for the slowest of them, so fires of different triggers do not share one. Those that wait for a rate
 * limit or for the state of an object keep an activity of their own, and so does a fire that is alone.
 */
export function shareCalls(
  fires: readonly Fire[],
  triggerOf: (fire: Fire) => TriggerSpec,
): ReadonlyArray<readonly Fire[]> {
  const byTrigger = new Map<string, Fire[]>();
  for (const fire of fires) {
    const { rateLimit, policy } = triggerOf(fire);
    if (rateLimit !== undefined || policy?.k8s !== undefined) continue;
    const group = byTrigger.get(fire.trigger);
    if (group === undefined) byTrigger.set(fire.trigger, [fire]);
    else group.push(fire);
  }
  const groups = [...byTrigger.values()].flatMap((group) => {
    const parts = Math.ceil(group.length / MOST_TOGETHER);
    return Array.from({ length: parts }, (_, part) => group.slice(part * MOST_TOGETHER, (part + 1) * MOST_TOGETHER));
  });
  return groups.filter(({ length }) => length > 1);
}
