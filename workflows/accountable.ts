/** Signals are also typed by hand, so what arrives may be anything. Pure. */
import { asProse } from '../src/markdown-text';
import { showTime } from '../src/readable-times';
import { createUpdateRefusal } from './update-refusal';
import type { Accountable } from './messages';

const EXAMPLE = '`{"by": "your name", "why": "the reason"}`';

/** Says what is missing, or nothing where all is there. */
export function missingAccount(request: Partial<Accountable> | undefined): string | undefined {
  const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '';
  if (isText(request?.by) && isText(request?.why)) return undefined;
  return `it does not say who asks and why: send ${EXAMPLE}`;
}

/** Validator of updates. @throws ApplicationFailure USAGE */
export function requireAccountable(request: Partial<Accountable> | undefined): void {
  const missing = missingAccount(request);
  if (missing !== undefined) throw createUpdateRefusal('USAGE', missing);
}

const KEPT_REFUSALS = 5;

/** The last signals that could not be obeyed, with time and reason. */
export function addRefusal(refusals: readonly string[], reason: string, now: number): readonly string[] {
  return [...refusals, `${showTime(now)} ${reason}`].slice(-KEPT_REFUSALS);
}

/** Markdown. */
export function describeRefusals(refusals: readonly string[] = []): string[] {
  if (refusals.length === 0) return [];
  return ['', ['**Signals refused:**', ...refusals.map((refusal) => asProse(refusal, 600))].join('<br>')];
}

/** Markdown. */
export function describePause({ since, by, why }: Accountable & { readonly since: string }): string {
  return [
    `**Paused** since ${showTime(since)} by ${asProse(by)}: ${asProse(why)}`,
    `To go on: More Actions → Send a Signal, \`resume\`: ${EXAMPLE}`,
  ].join('<br>');
}
