/**
 * Evaluates common jq programs on the parsed event: paths, objects, assignments, simple functions.
 *
 * If a value would be an error, or if gojq might differ in the last digit, the result is undefined and the engine
 * evaluates the program; so only defined results must be correct. Differential tests compare them with gojq. It runs in
 * the main thread, so programs that grow are left to the engine as well (see JqAllowance).
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../event/json';
import { callJqFunction, type JqRun } from './plain-jq-functions';
import {
  addJq,
  compareJq,
  isJqTruthy,
  JqAllowance,
  jqKeys,
  NeedsJq,
  requireJqNumber,
  sortJqKeys,
  TooMuchForMainThread,
} from './plain-jq-values';
import { parsePlainJq } from './plain-jq-syntax';
import type { JqNode, JqPath } from './plain-jq-syntax';
import { memoize } from './memoize';

interface PlainProgram {
  readonly node: JqNode | undefined;
  /** How many further evaluations skip the fast path, because the program exceeded the allowance of the main thread. */
  skips: number;
}

/** A program that exceeded the allowance once usually does so on the next event. */
const SKIPS_AFTER_TOO_MUCH = 1_000;

const parseProgram = memoize((program): PlainProgram => ({ node: parsePlainJq(program), skips: 0 }));

/** The transformed data, or undefined if the engine has to evaluate it. Keys are sorted, as the engine does. */
export function transformPlainJq(program: string, data: JsonValue): JsonObject | undefined {
  const plain = parseProgram(program);
  const { node } = plain;
  if (!node || !isJsonObject(data) || plain.skips-- > 0) return undefined;
  plain.skips = 0;
  const allowance = new JqAllowance();
  const run: JqRun = { allowance, outputs: (each, input) => outputs(each, input, run) };
  try {
    const [first] = outputs(node, data, run);
    return first !== undefined && isJsonObject(first) ? (sortJqKeys(first, allowance) as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof TooMuchForMainThread) plain.skips = SKIPS_AFTER_TOO_MUCH;
    // A RangeError comes from data nested deeper than the stack; the engine reports it in its usual way.
    if (error instanceof NeedsJq || error instanceof RangeError) return undefined;
    throw error;
  }
}

function outputs(node: JqNode, input: JsonValue, run: JqRun): JsonValue[] {
  run.allowance.spend(1);
  switch (node.kind) {
    case 'pipe':
      return outputs(node.left, input, run).flatMap((value) => outputs(node.right, value, run));
    case 'comma':
      return [...outputs(node.left, input, run), ...outputs(node.right, input, run)];
    case 'iterate':
      return elements(one(node.of, input, run), run);
    case 'alternative': {
      const chosen = outputs(node.left, input, run).filter(isJqTruthy);
      return chosen.length > 0 ? chosen : outputs(node.right, input, run);
    }
    case 'call':
      return callJqFunction(node.name, node.argument, input, run);
    case 'if':
      return outputs(isJqTruthy(one(node.condition, input, run)) ? node.then : node.otherwise, input, run);
    default:
      return [single(node, input, run)];
  }
}

/** jq combines several outputs in its own order; that is left to the engine. */
function one(node: JqNode, input: JsonValue, run: JqRun): JsonValue {
  const [value, ...more] = outputs(node, input, run);
  if (value === undefined || more.length > 0) throw new NeedsJq();
  return value;
}

type SingleNode = Exclude<JqNode, { kind: 'pipe' | 'comma' | 'iterate' | 'alternative' | 'call' | 'if' }>;

function single(node: SingleNode, input: JsonValue, run: JqRun): JsonValue {
  switch (node.kind) {
    case 'identity':
      return input;
    case 'literal':
      return node.value;
    case 'field':
      return field(one(node.of, input, run), node.name);
    case 'index':
      return element(one(node.of, input, run), node.index);
    case 'text':
      return node.parts
        .map((part) => (typeof part === 'string' ? part : embeddedText(one(part, input, run), run)))
        .join('');
    case 'array':
      return node.of ? outputs(node.of, input, run) : [];
    case 'object':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, one(value, input, run)]));
    case 'assign':
      return assign(node.operator, node.path, node.value, input, run);
    case 'binary':
      return binary(node.operator, node.left, node.right, input, run);
  }
}

function binary(operator: string, left: JqNode, right: JqNode, input: JsonValue, run: JqRun): JsonValue {
  const first = one(left, input, run);
  if (operator === 'and') return isJqTruthy(first) && isJqTruthy(one(right, input, run));
  if (operator === 'or') return isJqTruthy(first) || isJqTruthy(one(right, input, run));
  const second = one(right, input, run);
  switch (operator) {
    case '+':
      return addJq(first, second, run.allowance);
    case '-':
      return exact(requireJqNumber(first) - requireJqNumber(second));
    case '*':
      return exact(requireJqNumber(first) * requireJqNumber(second));
    case '/':
      return exact(requireJqNumber(first) / requireJqNumber(second));
    default:
      return compareJq(operator, first, second, run.allowance);
  }
}

/** gojq has unlimited integers and writes -0; JavaScript does neither. */
function exact(value: number): number {
  const isExact = Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0);
  if (!isExact) throw new NeedsJq();
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
function elements(value: JsonValue, run: JqRun): JsonValue[] {
  if (Array.isArray(value)) {
    run.allowance.spend(value.length);
    return value;
  }
  if (!isJsonObject(value)) throw new NeedsJq();
  return jqKeys(value, run.allowance).map((key) => value[key] ?? null);
}

function embeddedText(value: JsonValue, run: JqRun): string {
  const [text] = callJqFunction('tostring', undefined, value, run);
  return typeof text === 'string' ? text : '';
}

function assign(operator: string, path: JqPath, valueNode: JqNode, input: JsonValue, run: JqRun): JsonValue {
  const { allowance } = run;
  if (operator === '|=') return update(input, path, allowance, (current) => one(valueNode, current, run));
  const value = one(valueNode, input, run);
  return update(input, path, allowance, (current) => (operator === '+=' ? addJq(current, value, allowance) : value));
}

function update(
  target: JsonValue,
  path: JqPath,
  allowance: JqAllowance,
  change: (current: JsonValue) => JsonValue,
): JsonValue {
  const [key, ...rest] = path;
  if (key === undefined) return change(target);
  if (typeof key === 'number') {
    if (!Array.isArray(target) || key < 0 || key >= target.length) throw new NeedsJq();
    allowance.spend(target.length);
    return target.with(key, update(target[key] ?? null, rest, allowance, change));
  }
  if (target !== null && !isJsonObject(target)) throw new NeedsJq();
  if (target !== null) allowance.spend(Object.keys(target).length);
  return { ...target, [key]: update(target === null ? null : field(target, key), rest, allowance, change) };
}
