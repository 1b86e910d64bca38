/** The priorities that an event asks for, at the data paths that triggers name. */
import { dataOf } from '../../src/event/event-data';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { ExpressionEngine } from '../../src/expressions/engine';
import { parsePriority, type TriggerPriority } from '../../src/contract/priority';

const MAX_VALUE_LENGTH = 40;

export interface EventPriorities {
  of(trigger: TriggerPriority): number;
  /** Why values of this event are not used, for its decision records. */
  readonly problem?: string;
}

/**
 * An event without a value has the trigger's priority, and so has one with a value that is no priority. An event that is
 * marked as less urgent, because it was back-filled, is never more urgent than its mark.
 */
export async function readPriorities(
  event: CloudEvent,
  triggers: readonly TriggerPriority[],
  engine: ExpressionEngine,
): Promise<EventPriorities> {
  const marked = parsePriority(event.sluicepriority) ?? 1;
  const ofTrigger = { of: ({ priority }: TriggerPriority) => Math.max(priority, marked) };
  const paths = [...new Set(triggers.flatMap(({ from }) => from ?? []))];
  if (paths.length === 0) return ofTrigger;
  const data = dataOf(event);
  const found = new Map<string, number>();
  const problems: string[] = [];
  if (data.kind !== 'json') return ofTrigger;
  for (const path of paths) {
    const answer = await engine.evaluate({ kind: 'get', path, data: data.value });
    if (!answer.ok || !answer.value.exists) continue;
    const { text } = answer.value;
    const priority = parsePriority(text);
    if (priority !== undefined) found.set(path, priority);
    else {
      const value = JSON.stringify(text.slice(0, MAX_VALUE_LENGTH));
      problems.push(`${path} is ${value}, no priority from 1 to 5: the trigger's own is used`);
    }
  }
  return {
    of: ({ priority, from }) => Math.max((from === undefined ? undefined : found.get(from)) ?? priority, marked),
    ...(problems.length > 0 && { problem: problems.join('; ') }),
  };
}
