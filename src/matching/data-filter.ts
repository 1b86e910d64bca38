/** One data filter on one event: the value at a path, changed by a template, compared with a list of values. */
import type { JsonDocument } from '../event/json-text';
import type { DataFilter } from '../manifest/filters';
import { failed, passed, refused } from './clause-verdict';
import type { ClauseVerdict } from './clause-verdict';
import { shortText } from './short-text';
import type { ExpressionEngine, ExpressionOutcome, FilterAnswer } from '../expressions/engine';
import { gjsonBool, gjsonNumber, gjsonText, parseGoBool, parseGoFloat } from '../expressions/go-values';
import { lookUpPlainPath } from '../expressions/fast-paths/plain-path';
import { matchesPlainPattern } from '../expressions/fast-paths/plain-pattern';

/** The path that means the whole document. */
const ITSELF = '@this';

/** Longer lists are left to the engine, whose threads have a limit: each value may cost some milliseconds. */
const MOST_VALUES = 20;

/** Undefined if only the engine can decide. */
export function decideDataFilterQuickly(filter: DataFilter, data: JsonDocument): ClauseVerdict | undefined {
  const found = lookUpPlainPath(data, filter.path);
  if (!found) return undefined;
  if (!found.exists) return missingPath(filter);
  if (filter.template !== undefined && filter.template !== '') return undefined;
  const { value } = found;
  if (filter.value.length > MOST_VALUES) return undefined;
  for (const wanted of filter.value) {
    const matches = compareQuickly(filter, value, wanted);
    if (matches === undefined) return undefined;
    if (matches) return verdictOf(filter, true, gjsonText(value));
  }
  return verdictOf(filter, false, gjsonText(value));
}

export async function decideDataFilter(
  filter: DataFilter,
  data: JsonDocument,
  engine: ExpressionEngine,
): Promise<ClauseVerdict> {
  const found = lookUpPlainPath(data, filter.path);
  if (found && !found.exists) return missingPath(filter);
  // The engine then does not decode the rest of the event.
  const outcome = await (found
    ? engine.evaluate({ kind: 'dataFilter', filter: { ...filter, path: ITSELF }, data: found.value })
    : engine.evaluate({ kind: 'dataFilter', filter, data }));
  return verdictOfOutcome(filter, outcome);
}

function verdictOfOutcome(filter: DataFilter, outcome: ExpressionOutcome<FilterAnswer>): ClauseVerdict {
  if (outcome.ok) return verdictOf(filter, outcome.value.passed, outcome.value.found);
  if (outcome.message === missingPathText(filter.path)) return missingPath(filter);
  return failed(outcome);
}

function compareQuickly(filter: DataFilter, value: JsonDocument, wanted: string): boolean | undefined {
  switch (filter.type) {
    case 'bool': {
      const flag = parseGoBool(wanted);
      return flag === undefined ? undefined : flag === gjsonBool(value);
    }
    case 'number': {
      const left = gjsonNumber(value);
      const right = parseGoFloat(wanted);
      return left === undefined || right === undefined ? undefined : COMPARISONS[filter.comparator ?? '='](left, right);
    }
    case 'string':
      return compareText(filter, gjsonText(value), wanted);
  }
}

const COMPARISONS: Readonly<Record<NonNullable<DataFilter['comparator']>, (left: number, right: number) => boolean>> = {
  '>=': (left, right) => left >= right,
  '>': (left, right) => left > right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '!=': (left, right) => left !== right,
  '=': (left, right) => left === right,
};

/** As in Argo Events, text has no order: it is neither greater nor less than anything. */
function compareText({ comparator = '=' }: DataFilter, text: string, pattern: string): boolean | undefined {
  const matches = matchesPlainPattern(pattern, text);
  if (matches === undefined || comparator === '=') return matches;
  return comparator === '!=' && !matches;
}

function verdictOf(filter: DataFilter, isPassed: boolean, found: string): ClauseVerdict {
  const changed = filter.template ? ' after its template' : '';
  const reason = `"${filter.path}"${changed} is ${shortText(found)}, wanted ${describeWanted(filter)}`;
  return isPassed ? passed(reason) : refused(reason);
}

function describeWanted(filter: DataFilter): string {
  const comparator = filter.type === 'bool' ? '=' : (filter.comparator ?? '=');
  const values = filter.value.map((value) => shortText(value)).join(' or ');
  return `${filter.type} ${comparator} ${values}`;
}

function missingPath(filter: DataFilter): ClauseVerdict {
  return refused(`${missingPathText(filter.path)}, wanted ${describeWanted(filter)}`);
}

/** The same words as the expression module's. */
function missingPathText(path: string): string {
  return `path '${path}' does not exist`;
}
