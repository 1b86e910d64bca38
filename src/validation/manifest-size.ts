/** The largest manifest that the checks, the listeners and the sandbox of workflows are made for. */
import type { Finding } from '../manifest/problem';

/** Items of lists and members of objects, at all depths; etcd stores 1.5 MB, which may hold half a million. */
const MOST_VALUES = 50_000;
/** Names of fields, triggers and events are far shorter. */
const LONGEST_KEY = 1_000;

/** Undefined for a document within the limits. Needs no stack. */
export function findExcess(document: unknown): Finding | undefined {
  let count = 0;
  const waiting: unknown[] = [document];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, item] of Object.entries(value)) {
      count += 1;
      if (key.length > LONGEST_KEY) return excess(`the name of a field has ${key.length} characters`, LONGEST_KEY);
      if (count > MOST_VALUES) return excess(`it has more than ${MOST_VALUES} fields and items`, MOST_VALUES);
      if (typeof item === 'object' && item !== null) waiting.push(item);
    }
  }
  return undefined;
}

function excess(message: string, limit: number): Finding {
  return {
    severity: 'error',
    path: [],
    message,
    expected: `at most ${limit}`,
    fix: 'Divide it into several objects.',
  };
}
