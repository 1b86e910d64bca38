/** Turns zod's issues into findings in our own words. */
import type { z } from 'zod';
import { closestMatch } from '../text/closest-match';
import { describeValue, type FieldPath, type Finding } from '../manifest/problem';

type Issue = z.core.$ZodIssue;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

/** `document` is the validated value: the source of what was found at the path of each issue. */
export function schemaFindings(issues: readonly Issue[], document: unknown): Finding[] {
  return issues.map((issue) => {
    const path = issue.path.filter((segment) => typeof segment !== 'symbol');
    return toFinding(issue, path, valueAt(document, path));
  });
}

/** The value at a path, or undefined. */
function valueAt(document: unknown, path: FieldPath): unknown {
  let value = document;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[segment];
  }
  return value;
}

function toFinding(issue: Issue, path: FieldPath, value: unknown): Finding {
  const expected = describeExpectation(issue);
  const missing = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  if (missing && issue.code !== 'custom') {
    const fields = isMissingField(value) ? 'this field is required' : 'this field must not be empty';
    return { severity: 'error', path, message: fields, expected, fix: 'Set it, or remove the block around it.' };
  }
  return {
    severity: 'error',
    path,
    message: issue.code === 'invalid_type' ? 'wrong type' : 'this value is not allowed here',
    found: describeValue(value),
    expected,
    fix: adviseOn(issue, value),
  };
}

function isMissingField(value: unknown): boolean {
  return value === undefined;
}

function describeExpectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map((allowed) => JSON.stringify(allowed)).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string') return 'text that is not empty';
      if (issue.origin === 'array') return `at least ${issue.minimum} item`;
      return `${issue.minimum} or more`;
    case 'too_big':
      return `${issue.maximum} or less`;
    case 'invalid_union': {
      const alternatives = issue.errors.flatMap((issues) => issues.slice(0, 1).map(describeExpectation));
      return alternatives.length === 0 ? 'another value' : [...new Set(alternatives)].join(', or ');
    }
    case 'invalid_format':
      return issue.message.startsWith('Invalid') ? `text of another form (${issue.format})` : issue.message;
    case 'invalid_key':
    case 'invalid_element':
    case 'unrecognized_keys':
    case 'not_multiple_of':
      return issue.message;
    case 'custom':
      return issue.message === 'Invalid input' ? 'another value' : issue.message;
  }
}

/** Spellings of operators in other languages. */
const OTHER_SPELLINGS: Readonly<Record<string, string>> = {
  '==': '=',
  '===': '=',
  eq: '=',
  '<>': '!=',
  '!==': '!=',
  '=!': '!=',
  ne: '!=',
  '=>': '>=',
  ge: '>=',
  gte: '>=',
  gt: '>',
  '=<': '<=',
  le: '<=',
  lte: '<=',
  lt: '<',
  '&&': 'and',
  '||': 'or',
};

function otherSpelling(value: string, allowed: readonly string[]): string | undefined {
  const spelling = value.trim().toLowerCase();
  const meant = Object.hasOwn(OTHER_SPELLINGS, spelling) ? OTHER_SPELLINGS[spelling] : undefined;
  return meant !== undefined && allowed.includes(meant) ? meant : undefined;
}

function adviseOn(issue: Issue, value: unknown): string | undefined {
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const allowed = issue.values.filter((candidate) => typeof candidate === 'string');
    const meant = allowed.length === 1 ? allowed[0] : (otherSpelling(value, allowed) ?? closestMatch(value, allowed));
    return meant === undefined ? undefined : `Did you mean ${JSON.stringify(meant)}?`;
  }
  if (issue.code !== 'invalid_type') return undefined;
  if (issue.expected === 'string' && typeof value === 'number') return `Put it in quotes: "${value}".`;
  if (issue.expected === 'string' && typeof value === 'boolean') {
    return 'Put it in quotes: without them YAML takes it for a boolean.';
  }
  if (issue.expected === 'array') return 'Write it as a list, each item after a dash.';
  if ((issue.expected === 'number' || issue.expected === 'int') && typeof value === 'string' && /^\d+$/.test(value)) {
    return `Write it without quotes: ${value}.`;
  }
  if (issue.expected === 'boolean' && typeof value === 'string' && /^(true|false)$/i.test(value)) {
    return `Write it without quotes: ${value.toLowerCase()}.`;
  }
  return undefined;
}
