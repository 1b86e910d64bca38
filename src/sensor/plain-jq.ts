/**
 * Evaluates common jq programs on the event as it is already parsed: paths, objects, assignments, simple functions.
 *
 * Where a value would be an error, or where gojq might differ in the last digit, the answer is undefined and the engine
 * evaluates the program; so this has to be right only where it answers. Differential tests hold it to gojq.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../event/json';
import { callJqFunction } from './plain-jq-functions';
import { addJq, compareJq, isJqTruthy, NeedsJq, requireJqNumber, sortJqKeys } from './plain-jq-values';
import { parsePlainJq } from './plain-jq-syntax';
import type { JqNode, JqPath } from './plain-jq-syntax';
import { remember } from './remember';

const parseProgram = remember(parsePlainJq);

/** The transformed data, or undefined where the engine has to be asked. Keys come sorted, as from the engine. */
export function transformPlainJq(program: string, data: JsonValue): JsonObject | undefined {
  const node = parseProgram(program);
  if (!node || !isJsonObject(data)) return undefined;
  try {
    const [first] = outputs(node, data);
    return first !== undefined && isJsonObject(first) ? (sortJqKeys(first) as JsonObject) : undefined;
  } catch (error) {
    // A RangeError comes from data nested deeper than the stack; the engine says so as it says everything.
    if (error instanceof NeedsJq || error instanceof RangeError) return undefined;
    throw error;
  }
}

function outputs(node: JqNode, input: JsonValue): JsonValue[] {
  switch (node.kind) {
    case 'pipe':
      return outputs(node.left, input).flatMap((value) => outputs(node.right, value));
    case 'comma':
      return [...outputs(node.left, input), ...outputs(node.right, input)];
    case 'iterate':
      return elements(one(node.of, input));
    case 'alternative': {
      const chosen = outputs(node.left, input).filter(isJqTruthy);
      return chosen.length > 0 ? chosen : outputs(node.right, input);
    }
    case 'call':
      return callJqFunction(node.name, node.argument, input, outputs);
    case 'if':
      return outputs(isJqTruthy(one(node.condition, input)) ? node.then : node.otherwise, input);
    default:
      return [single(node, input)];
  }
}

/** jq combines several outputs in an order of its own; that is left to it. */
function one(node: JqNode, input: JsonValue): JsonValue {
  const [value, ...more] = outputs(node, input);
  if (value === undefined || more.length > 0) throw new NeedsJq();
  return value;
}

type SingleNode = Exclude<JqNode, { kind: 'pipe' | 'comma' | 'iterate' | 'alternative' | 'call' | 'if' }>;

function single(node: SingleNode, input: JsonValue): JsonValue {
  switch (node.kind) {
    case 'identity':
      return input;
    case 'literal':
      return node.value;
    case 'field':
      return field(one(node.of, input), node.name);
    case 'index':
      return element(one(node.of, input), node.index);
    case 'text':
      return node.parts.map((part) => (typeof part === 'string' ? part : embeddedText(one(part, input)))).join('');
    case 'array':
      return node.of ? outputs(node.of, input) : [];
    case 'object':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, one(value, input)]));
    case 'assign':
      return assign(node.operator, node.path, node.value, input);
    case 'binary':
      return binary(node.operator, node.left, node.right, input);
  }
}

function binary(operator: string, left: JqNode, right: JqNode, input: JsonValue): JsonValue {
  const first = one(left, input);
  if (operator === 'and') return isJqTruthy(first) && isJqTruthy(one(right, input));
  if (operator === 'or') return isJqTruthy(first) || isJqTruthy(one(right, input));
  const second = one(right, input);
  switch (operator) {
    case '+':
      return addJq(first, second);
    case '-':
      return exact(requireJqNumber(first) - requireJqNumber(second));
    case '*':
      return exact(requireJqNumber(first) * requireJqNumber(second));
    case '/':
      return exact(requireJqNumber(first) / requireJqNumber(second));
    default:
      return compareJq(operator, first, second);
  }
}

/** gojq counts whole numbers without bound; beyond 2^53 JavaScript does not. */
function exact(value: number): number {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new NeedsJq();
  return value;
}

function field(value: JsonValue, name: string): JsonValue {
  if (value === null) return null;
  if (!isJsonObject(value)) throw new NeedsJq();
  return Object.hasOwn(value, name) ? (value[name] ?? null) : null;
}

function element(value: JsonValue, index: number): JsonValue {
  if (value === null) return null;
  if (!Array.isArray(value)) throw new NeedsJq();
  return value.at(index) ?? null;
}

/** jq iterates objects in the order of their keys. */
function elements(value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  if (!isJsonObject(value)) throw new NeedsJq();
  return Object.keys(value)
    .sort()
    .map((key) => value[key] ?? null);
}

function embeddedText(value: JsonValue): string {
  const [text] = callJqFunction('tostring', undefined, value, outputs);
  return typeof text === 'string' ? text : '';
}

function assign(operator: string, path: JqPath, valueNode: JqNode, input: JsonValue): JsonValue {
  if (operator === '|=') return update(input, path, (current) => one(valueNode, current));
  const value = one(valueNode, input);
  return update(input, path, (current) => (operator === '+=' ? addJq(current, value) : value));
}

function update(target: JsonValue, path: JqPath, change: (current: JsonValue) => JsonValue): JsonValue {
  const [key, ...rest] = path;
  if (key === undefined) return change(target);
  if (typeof key === 'number') {
    if (!Array.isArray(target) || key < 0 || key >= target.length) throw new NeedsJq();
    return target.with(key, update(target[key] ?? null, rest, change));
  }
  if (target !== null && !isJsonObject(target)) throw new NeedsJq();
  return { ...target, [key]: update(target === null ? null : field(target, key), rest, change) };
}
