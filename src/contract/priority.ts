/** How urgent fires are: 1 (first) to 5 (last), as in Temporal's priority keys. Pure. */
import type { SensorOptions } from '../manifest/annotations';

export const DEFAULT_PRIORITY = 3;
export const LEAST_URGENT = 5;

export interface TriggerPriority {
  readonly priority: number;
  /** Data path of an event's own priority. */
  readonly from?: string;
}

export function triggerPriority({ flow, triggerFlows }: SensorOptions, trigger: string): TriggerPriority {
  const { priority = DEFAULT_PRIORITY, priorityFrom } = { ...flow, ...triggerFlows[trigger] };
  return { priority, ...(priorityFrom !== undefined && { from: priorityFrom }) };
}

export function isDefaultPriority({ priority, from }: TriggerPriority): boolean {
  return priority === DEFAULT_PRIORITY && from === undefined;
}

/** `2`, or `that of body.priority, else 2`. */
export function describePriority({ priority, from }: TriggerPriority): string {
  return from === undefined ? String(priority) : `that of ${from}, else ${priority}`;
}

/** Undefined if the text is not a whole number from 1 to 5. */
export function parsePriority(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-5]$/.test(text) ? Number(text) : undefined;
}

export function mostUrgent(priorities: readonly number[]): number {
  return priorities.length === 0 ? DEFAULT_PRIORITY : Math.min(...priorities);
}
