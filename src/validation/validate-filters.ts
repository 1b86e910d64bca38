/** Checks of the filters of one dependency. Expressions are left to expressions.ts. */
import type { ContextFilter, DataFilter, DependencyFilters, TimeFilter } from '../manifest/filters';
import { describeValue, type Findings } from '../manifest/problem';
import { validateTimezone } from './validate-common';
import { warnOfUnknownNames } from './validate-expression-names';
import { warnOfPath, warnOfTemplate } from './validate-paths';

const BOOLEANS = ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'];
const COMPARED_CONTEXT = ['type', 'subject', 'source', 'datacontenttype'] as const;

export function validateFilters(
  filters: DependencyFilters,
  operator: 'and' | 'or' | undefined,
  findings: Findings,
): void {
  filters.data?.forEach((filter, index) => {
    const here = findings.at('data', index);
    validateDataFilter(filter, here);
    warnOfPath(filter.path, 'reads', here.at('path'));
    warnOfTemplate(filter.template, 'the value', here.at('template'));
  });
  filters.exprs?.forEach((filter, index) => {
    const here = findings.at('exprs', index);
    warnOfUnknownNames(filter, here);
    filter.fields.forEach(({ path }, position) => warnOfPath(path, 'reads', here.at('fields', position, 'path')));
  });
  if (filters.context !== undefined) validateContextFilter(filters.context, findings.at('context'));
  if (filters.time !== undefined) validateTimeFilter(filters.time, findings.at('time'));
  const { exprs, data, context, time, script } = filters;
  const configured = [exprs?.length, data?.length, context, time, script].some(Boolean);
  if (!configured && operator === 'or') {
    findings.warning('no filter is set and filtersLogicalOperator is or, so no event ever passes', {
      fix: 'Remove filters and filtersLogicalOperator.',
    });
  }
}

function validateDataFilter({ path, type, value, comparator }: DataFilter, findings: Findings): void {
  value.forEach((text, index) => {
    const here = findings.at('value', index);
    if (text === '') {
      here.error('an empty text, which Argo Events refuses', {
        expected: type === 'string' ? 'a regular expression, such as "^$" for a value that is empty' : undefined,
        fix: type === 'string' ? adviseOnEmpty(comparator) : 'Write the value to compare with.',
      });
      return;
    }
    if (type === 'bool' && !BOOLEANS.includes(text)) {
      here.error('not a boolean', { found: describeValue(text), expected: '"true" or "false"' });
    }
    if (type === 'number' && !isGoFloat(text)) {
      here.error('not a number', {
        found: describeValue(text),
        expected: 'a decimal number in quotes, such as "10.5"',
        fix: 'Write a number, or use type: string.',
      });
    }
  });
  if (hasBareComma(path)) {
    findings.at('path').warning('finds nothing: several paths need brackets around them', {
      found: describeValue(path),
      fix: `Did you mean [${path}]?`,
    });
  }
  if (comparator === undefined || comparator === '=') return;
  if (type === 'bool') {
    findings.at('comparator').warning('ignored: booleans are compared for equality only', {
      fix: 'Remove it, and write the opposite value for !=.',
    });
  }
  if (type === 'string' && comparator !== '!=') {
    findings.at('comparator').warning('never passes: strings are regular expressions and know only = and !=', {
      found: describeValue(comparator),
      fix: 'Use type: number, or an expr filter.',
    });
  }
  if (type === 'string' && comparator === '!=' && new Set(value).size > 1) {
    findings.at('value').warning('passes almost always: != is true if any one of the patterns does not match', {
      fix: `To refuse all of them, write one pattern: "${oneOf(value)}".`,
    });
  }
  if (type === 'number' && comparator === '!=' && new Set(value).size > 1) {
    findings.at('value').warning('always passes: != is true if any one of the values differs', {
      fix: 'Write one data filter for each value.',
    });
  }
}

function adviseOnEmpty(comparator: DataFilter['comparator']): string {
  return comparator === '!='
    ? 'Write "^$": with != it lets pass every value that is not empty.'
    : 'Write "^$" for an empty value, or ".*" for any value.';
}

/** One pattern that matches if any of them does. */
function oneOf(values: readonly string[]): string {
  const patterns = values.filter((pattern) => pattern !== '');
  const areWholeWords = patterns.every((pattern) => /^[\w-]+$/.test(pattern));
  return areWholeWords ? `^(${patterns.join('|')})$` : patterns.map((pattern) => `(${pattern})`).join('|');
}

/** The docs of Argo Events show `a.b,c.d`, which its gjson does not resolve. */
function hasBareComma(path: string): boolean {
  const outside = path.replace(/\\./g, '').replace(/"[^"]*"/g, '');
  return outside.includes(',') && !/[[({]/.test(outside);
}

/** Text that Go's ParseFloat accepts: decimal or hexadecimal, without underscores, infinities included. */
function isGoFloat(text: string): boolean {
  return (
    /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ||
    /^[+-]?0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]+[pP][+-]?\d+$/.test(text) ||
    /^[+-]?(inf|infinity|nan)$/i.test(text)
  );
}

function validateContextFilter(context: ContextFilter, findings: Findings): void {
  if (!COMPARED_CONTEXT.some((field) => context[field])) {
    findings.error('compares nothing, so Argo Events would discard every event', {
      expected: `at least one of ${COMPARED_CONTEXT.join(', ')}`,
      fix: 'Set one of them, or remove the context filter.',
    });
  }
  for (const field of ['id', 'specversion', 'time'] as const) {
    if (context[field]) findings.at(field).warning('not compared, as in Argo Events', { fix: 'Use an expr filter.' });
  }
}

function validateTimeFilter({ start, stop, timezone }: TimeFilter, findings: Findings): void {
  for (const [field, text] of Object.entries({ start, stop })) {
    if (secondOfDay(text) !== undefined) continue;
    findings
      .at(field)
      .error('not a time of day', { found: describeValue(text), expected: '"HH:MM:SS", such as "09:30:00"' });
  }
  const from = secondOfDay(start);
  if (from !== undefined && from === secondOfDay(stop)) {
    findings.error('start and stop are the same, so no event would pass', {
      found: describeValue(start),
      fix: 'Remove the time filter to let events pass at any time.',
    });
  }
  validateTimezone(timezone, findings.at('timezone'));
}

function secondOfDay(text: string): number | undefined {
  const match = /^(\d{1,2}):(\d{2}):(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const [hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return hour < 24 && minute < 60 && second < 60 ? (hour * 60 + minute) * 60 + second : undefined;
}
