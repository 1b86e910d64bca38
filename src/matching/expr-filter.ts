/** One expression filter: a govaluate expression over values that gjson paths find. */
import { joinList, type JsonDocument } from '../event/json-text';
import type { ExprFilter } from '../manifest/filters';
import { failed, refused, verdictFrom } from './clause-verdict';
import type { ClauseVerdict } from './clause-verdict';
import { shortText } from './short-text';
import type { ExpressionEngine } from '../expressions/engine';
import { gjsonText } from '../expressions/go-values';
import { lookUpPlainPath } from '../expressions/fast-paths/plain-path';

type ExprField = ExprFilter['fields'][number];

export async function decideExprFilter(
  filter: ExprFilter,
  data: JsonDocument,
  engine: ExpressionEngine,
): Promise<ClauseVerdict> {
  const found = filter.fields.map((field) => lookUpPlainPath(data, field.path));
  const missing = filter.fields.find((_field, index) => found[index]?.exists === false);
  if (missing) return refused(missingPathText(missing));

  const values = found.flatMap((result) => (result?.exists ? [result.value] : []));
  const areAllPlain = values.length === filter.fields.length;
  const outcome = await engine.evaluate({
    kind: 'govaluate',
    expression: filter.expr,
    // Values found here are sent alone; the engine then does not decode the rest of the event.
    fields: areAllPlain ? filter.fields.map(({ name }, index) => ({ name, path: String(index) })) : filter.fields,
    data: areAllPlain ? joinList(values) : data,
  });
  if (!outcome.ok) {
    const absent = filter.fields.find((field) => outcome.message === missingPathText(field));
    return absent ? refused(outcome.message) : failed(outcome);
  }
  const described = areAllPlain ? ` with ${describeFields(filter.fields, values)}` : '';
  return verdictFrom(outcome.value.passed, `"${filter.expr}" is ${shortText(outcome.value.found)}${described}`);
}

/** Fields that only the engine can find are left out. */
function describeFields(fields: readonly ExprField[], values: readonly JsonDocument[]): string {
  return fields.map(({ name }, index) => `${name} = ${shortText(gjsonText(values[index] ?? null))}`).join(', ');
}

function missingPathText(field: ExprField): string {
  return `path '${field.path}' does not exist`;
}
