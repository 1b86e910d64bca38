/** Operators can also type signals by hand, so the input may be anything. Pure. */
import { isJsonObject } from '../event/json';
import { asProse } from '../text/markdown-text';
import { showTime } from '../text/readable-times';
import type { AppliedRecord } from './lifecycle-messages';
import type { RequestedBy } from './requester';
import { createUpdateRefusal } from './update-refusal';
import { describeRequester } from '../text/requester-name';

type FieldKind = 'text' | 'flag' | 'values';

/** Fields that a request may have besides `by` and `why`. */
export type RequestFields = Readonly<Record<string, FieldKind>>;

export const RUN_DISCARD_FIELDS: RequestFields = { fireId: 'text', trigger: 'text' };
export const RUN_RETRIGGER_FIELDS: RequestFields = { ...RUN_DISCARD_FIELDS, overrides: 'values' };
export const SENSOR_RETRIGGER_FIELDS: RequestFields = {
  ...{ runId: 'text', eventId: 'text', trigger: 'text', overrides: 'values', again: 'flag' },
};

const EXPECTED: Readonly<Record<FieldKind, string>> = {
  text: 'text',
  flag: 'true or false',
  values: 'an object of paths and values, such as {"spec.priority": 3}',
};

const EXAMPLE = '`{"by": "your name", "why": "the reason"}`';

/** Returns a text that names the missing fields, or undefined if there are none. */
export function missingRequester(request: unknown): string | undefined {
  const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== '';
  if (isJsonObject(request) && isText(request['by']) && isText(request['why'])) return undefined;
  return `"by" and "why" are required: send ${EXAMPLE}`;
}

/**
 * Returns why a request is rejected, or undefined if it is valid. An unknown field is an error too: it may be meant to
 * narrow the effect, and ignoring it would affect everything.
 */
export function requestRefusal(request: unknown, fields: RequestFields): string | undefined {
  const missing = missingRequester(request);
  if (missing !== undefined || !isJsonObject(request)) return missing;
  for (const [name, value] of Object.entries(request)) {
    const kind = name === 'by' || name === 'why' ? 'text' : fields[name];
    if (kind === undefined) {
      return `unknown field "${name.slice(0, 40)}"; expected one of ${['by', 'why', ...Object.keys(fields)].join(', ')}`;
    }
    if (!isOfKind(value, kind)) return `field "${name}" is not ${EXPECTED[kind]}`;
  }
  return undefined;
}

/** Validator of updates. @throws ApplicationFailure USAGE */
export function requireRequest(request: unknown, fields: RequestFields): void {
  const refusal = requestRefusal(request, fields);
  if (refusal !== undefined) throw createUpdateRefusal('USAGE', refusal);
}

/** Markdown. */
export function describeRefusals(refusals: readonly string[] = []): string[] {
  if (refusals.length === 0) return [];
  return ['', ['**Signals refused:**', ...refusals.map((refusal) => asProse(refusal, 600))].join('<br>')];
}

/** Markdown: who applied the object as it is now. */
export function describeLastChange(applied: AppliedRecord | undefined): string[] {
  if (applied === undefined) return [];
  const { at, by, why } = applied;
  return ['', `Last changed ${showTime(at)} by ${asProse(describeRequester(by))}: ${asProse(why)}`];
}

/** Markdown. */
export function describePause({ since, by, why }: RequestedBy & { readonly since: string }): string {
  return [
    `**Paused** since ${showTime(since)} by ${asProse(describeRequester(by))}: ${asProse(why)}`,
    `To resume: More Actions → Send a Signal, \`resume\`: ${EXAMPLE}`,
  ].join('<br>');
}

function isOfKind(value: unknown, kind: FieldKind): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'flag':
      return typeof value === 'boolean';
    case 'values':
      return isJsonObject(value);
  }
}
