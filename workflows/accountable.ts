/** Signals are also typed by hand, so what arrives may be anything. Pure. */
import { createUpdateRefusal } from './update-refusal';
import type { Accountable } from './messages';

/** Says what is missing, or nothing where all is there. */
export function missingAccount(request: Partial<Accountable> | undefined): string | undefined {
  const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '';
  if (isText(request?.by) && isText(request?.why)) return undefined;
  return 'it does not say who asks and why: send {"by": "your name", "why": "the reason"}';
}

/** Validator of updates. @throws ApplicationFailure USAGE */
export function requireAccountable(request: Partial<Accountable> | undefined): void {
  const missing = missingAccount(request);
  if (missing !== undefined) throw createUpdateRefusal('USAGE', missing);
}

const KEPT_REFUSALS = 5;

/** The last signals that could not be obeyed, with time and reason. */
export function addRefusal(refusals: readonly string[], reason: string, now: number): readonly string[] {
  return [...refusals, `${new Date(now).toISOString()} ${reason}`].slice(-KEPT_REFUSALS);
}
