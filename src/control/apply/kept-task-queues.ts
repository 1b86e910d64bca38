/** Finds applied objects that stay on another task queue than the named one. Pure. */
import { addressText } from '../ask-workflow';
import type { TaskQueues } from '../applied-kinds';
import { addressOf, type AppliedAction } from './apply-object';
import type { Desired } from './desired-objects';

const MOST_NAMES = 5;

/** Returns one sentence for each queue that keeps objects. */
export function keptTaskQueues(
  rows: ReadonlyArray<Pick<AppliedAction, 'taskQueue'> & { readonly desired: Desired }>,
  queues: TaskQueues,
): string[] {
  const kept = new Map<string, string[]>();
  for (const { desired, taskQueue } of rows) {
    const address = addressOf(desired);
    const named = queues[address.kind.queue];
    if (taskQueue === undefined || named === undefined || taskQueue === named) continue;
    const sentence = `Task queue "${named}" is for new objects only; still on "${taskQueue}"`;
    kept.set(sentence, [...(kept.get(sentence) ?? []), addressText(address)]);
  }
  return [...kept].map(([sentence, names]) => {
    const others = names.length - MOST_NAMES;
    const shown = others > 0 ? [...names.slice(0, MOST_NAMES), `${others} more`] : names;
    return `${sentence}: ${shown.join(', ')}. To move an object, delete it and apply it again.`;
  });
}
