/** Parameters: values from events, written into a template, a resource, a payload or headers. */
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import type { JsonValue } from '../event/json';
import type { JsonDocument } from '../event/json-text';
import type { TriggerParameter } from '../manifest/parameters';
import { writePlainDestination } from './destinations';
import type { ExpressionEngine } from '../expressions/engine';
import { gjsonText, gjsonType } from '../expressions/go-values';
import { lookUpPlainPath } from '../expressions/fast-paths/plain-path';
import { resolveValue } from './resolve-value';
import type { EventsByDependency, ResolvedValue } from './resolve-value';

/**
 * The document with all parameters applied in order, each seeing the result of those before it. A parameter whose
 * dependency has no event in this fire is skipped. `document` itself is not changed.
 *
 * Throws SENSOR_PARAMETER_UNRESOLVED, naming the parameter's index, dependency, key and destination.
 */
export async function applyParameters(
  document: JsonDocument,
  parameters: readonly TriggerParameter[],
  events: EventsByDependency,
  engine: ExpressionEngine,
): Promise<JsonDocument> {
  const values = await resolveAll(parameters, events, engine);
  let changed = document;
  for (const [index, parameter] of parameters.entries()) {
    const value = values[index];
    if (value) changed = await naming(index, parameter, () => applyParameter(changed, parameter, value, engine));
  }
  return changed;
}

/**
 * A payload or a set of headers, built from nothing; `operation` is ignored.
 *
 * The first parameter with an empty `dest` that has a value makes it the whole payload: the result is then that text,
 * to be sent as it is, and later parameters are ignored. Otherwise the result is a document to be sent as JSON, or
 * undefined if no parameter has a value. Throws as `applyParameters`.
 */
export async function buildPayload(
  parameters: readonly TriggerParameter[],
  events: EventsByDependency,
  engine: ExpressionEngine,
): Promise<JsonDocument | undefined> {
  const whole = parameters.findIndex(({ dest, src }) => !dest && hasValue(src, events));
  const used = whole < 0 ? parameters : parameters.slice(0, whole + 1);
  const values = await resolveAll(used, events, engine);
  let document: JsonDocument | undefined;
  for (const [index, parameter] of used.entries()) {
    const value = values[index];
    if (!value) continue;
    if (!parameter.dest) return value.text;
    const before = document;
    const after = await naming(index, parameter, () => write(before, parameter, value, engine));
    document = after ?? undefined; // A query path that matched nothing in a document that does not exist yet.
  }
  return document;
}

/**
 * The document with values that an operator set, by sjson path: text is written as text, everything else as JSON.
 * Throws SENSOR_PARAMETER_UNRESOLVED, naming the path.
 */
export async function setValues(
  document: JsonDocument,
  values: Readonly<Record<string, JsonValue>>,
  engine: ExpressionEngine,
): Promise<JsonDocument> {
  let changed = document;
  for (const [dest, json] of Object.entries(values)) {
    const text = typeof json === 'string' ? json : JSON.stringify(json);
    try {
      changed = await write(changed, { src: RAW, dest }, { text, type: gjsonType(json), json }, engine);
    } catch (error) {
      if (!isSluiceError(error) || error.code !== 'SENSOR_PARAMETER_UNRESOLVED') throw error;
      const { fix, cause } = error;
      throw new SluiceError(error.code, { message: `Retriggered with "${dest}": ${error.message}`, fix, cause });
    }
  }
  return changed;
}

/** Reads no event. */
const RAW = { dependencyName: '', useRawData: true };

/** Maximum size of the values of all parameters of one request, in characters; no trigger can send as much. */
const LARGEST_VALUES = 16 * 2 ** 20;

async function resolveAll(
  parameters: readonly TriggerParameter[],
  events: EventsByDependency,
  engine: ExpressionEngine,
): Promise<(ResolvedValue | undefined)[]> {
  let length = 0;
  return await Promise.all(
    parameters.map(async (parameter, index) => {
      const value = await naming(index, parameter, () => resolveValue(parameter.src, events, engine));
      length += value?.text.length ?? 0;
      // As each arrives: thousands of large ones must not be held until the last is there.
      if (length <= LARGEST_VALUES) return value;
      throw new SluiceError('SENSOR_PARAMETER_UNRESOLVED', {
        message: `The values of all parameters together have more than ${LARGEST_VALUES} characters`,
        fix: 'Take only those parts of the event that the trigger needs',
      });
    }),
  );
}

/** False for a dependency that has no event in this fire, and no default. */
function hasValue(src: TriggerParameter['src'], events: EventsByDependency): boolean {
  return Object.hasOwn(events, src.dependencyName) || src.value !== undefined;
}

async function applyParameter(
  document: JsonDocument,
  parameter: TriggerParameter,
  value: ResolvedValue,
  engine: ExpressionEngine,
): Promise<JsonDocument> {
  if (parameter.operation !== 'append' && parameter.operation !== 'prepend') {
    return write(document, parameter, value, engine);
  }
  const current = await textAt(document, parameter.dest ?? '', engine);
  if (current === undefined) return write(document, parameter, value, engine);
  const text = parameter.operation === 'append' ? current + value.text : value.text + current;
  if (text.length > LARGEST_VALUES) throw unwritable(`it would have more than ${LARGEST_VALUES} characters`);
  return write(document, parameter, { text, type: 'String' }, engine);
}

/** The current value at the destination, as text. */
async function textAt(document: JsonDocument, path: string, engine: ExpressionEngine): Promise<string | undefined> {
  const found = lookUpPlainPath(document, path);
  if (found) return found.exists ? gjsonText(found.value) : undefined;
  const outcome = await engine.evaluate({ kind: 'get', path, data: document });
  if (!outcome.ok) throw unwritable(outcome.message);
  if (!outcome.value.exists) return undefined;
  return outcome.value.type === 'Null' ? '' : outcome.value.text;
}

/** Raw JSON only if the parameter asks for it and the value is not text; otherwise everything becomes text. */
async function write(
  document: JsonDocument | undefined,
  parameter: TriggerParameter,
  value: ResolvedValue,
  engine: ExpressionEngine,
): Promise<JsonDocument> {
  const path = parameter.dest ?? '';
  const isJson = parameter.src.useRawData === true && value.type !== 'String';
  const plain = isJson ? jsonOf(value) : value.text;
  const written = plain === undefined ? undefined : writePlainDestination(document, path, plain);
  if (written !== undefined) return written;
  const outcome = await engine.evaluate({ kind: 'set', path, value: value.text, isJson, document });
  if (!outcome.ok) throw unwritable(outcome.message);
  return outcome.value;
}

/** The value to write as JSON; undefined for a number that gjson writes in another way (1e+21 without exponent). */
function jsonOf({ json, text }: ResolvedValue): JsonDocument | undefined {
  return typeof json === 'number' && String(json) !== text ? undefined : json;
}

function unwritable(problem: string): SluiceError {
  return new SluiceError('SENSOR_PARAMETER_UNRESOLVED', {
    message: `The value cannot be written: ${problem}`,
    fix: 'Correct dest: it is an sjson path into the document as it is when the parameter is applied',
  });
}

/** Adds the parameter to every error. */
async function naming<Result>(
  index: number,
  parameter: TriggerParameter,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (!isSluiceError(error) || error.code !== 'SENSOR_PARAMETER_UNRESOLVED') throw error;
    const { src, dest } = parameter;
    const key = src.dataTemplate ?? src.dataKey ?? src.contextTemplate ?? src.contextKey;
    throw new SluiceError(error.code, {
      message: `Parameter ${index} (dest "${dest ?? ''}"): ${error.message}`,
      fix: error.fix,
      context: { ...error.context, parameter: index, dependency: src.dependencyName, key, dest },
      cause: error.cause,
    });
  }
}
