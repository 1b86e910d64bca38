/**
 * Evaluates the commonest jq programs on the parsed event: those that move, keep and add fields. Everything else, all
 * functions among it, is evaluated by the engine (docs/decisions/174-jq-beyond-paths-in-the-engine.md).
 *
 * If a value would be an error, or if gojq might differ in the last digit, the result is undefined and the engine
 * evaluates the program; so only defined results must be correct. Differential tests compare them with gojq. It runs in
 * the main thread, so programs that grow are left to the engine as well (see JqAllowance).
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../event/json';
import { addJq, JqAllowance, jqKeys, NeedsJq, sortJqKeys, TooMuchForMainThread } from './plain-jq-values';
import { parsePlainJq, type JqNode, type JqPath } from './plain-jq-syntax';
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
  try {
    const [first] = outputs(node, data, allowance);
    return first !== undefined && isJsonObject(first) ? (sortJqKeys(first, allowance) as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof TooMuchForMainThread) plain.skips = SKIPS_AFTER_TOO_MUCH;
    // A RangeError comes from data nested deeper than the stack; the engine reports it in its usual way.
    if (error instanceof NeedsJq || error instanceof RangeError) return undefined;
    throw error;
  }
}

function outputs(node: JqNode, input: JsonValue, allowance: JqAllowance): JsonValue[] {
  allowance.spend(1);
  switch (node.kind) {
    case 'pipe':
      return outputs(node.left, input, allowance).flatMap((value) => outputs(node.right, value, allowance));
    case 'comma':
      return [...outputs(node.left, input, allowance), ...outputs(node.right, input, allowance)];
    case 'iterate':
      return elements(one(node.of, input, allowance), allowance);
    default:
      return [single(node, input, allowance)];
  }
}

/** jq combines several outputs in its own order; that is left to the engine. */
function one(node: JqNode, input: JsonValue, allowance: JqAllowance): JsonValue {
  const [value, ...more] = outputs(node, input, allowance);
  if (value === undefined || more.length > 0) throw new NeedsJq();
  return value;
}

type SingleNode = Exclude<JqNode, { kind: 'pipe' | 'comma' | 'iterate' }>;

function single(node: SingleNode, input: JsonValue, allowance: JqAllowance): JsonValue {
  switch (node.kind) {
    case 'identity':
      return input;
    case 'literal':
      return node.value;
    case 'field':
      return field(one(node.of, input, allowance), node.name);
    case 'index':
      return element(one(node.of, input, allowance), node.index);
    case 'array':
      return node.of ? outputs(node.of, input, allowance) : [];
    case 'object':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, one(value, input, allowance)]));
    case 'sum':
      return addJq(one(node.left, input, allowance), one(node.right, input, allowance), allowance);
    case 'assign':
      return assign(node, input, allowance);
  }
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
function elements(value: JsonValue, allowance: JqAllowance): JsonValue[] {
  if (Array.isArray(value)) {
    allowance.spend(value.length);
    return value;
  }
  if (!isJsonObject(value)) throw new NeedsJq();
  return jqKeys(value, allowance).map((key) => value[key] ?? null);
}

function assign(
  { operator, path, value: valueNode }: Extract<JqNode, { kind: 'assign' }>,
  input: JsonValue,
  allowance: JqAllowance,
): JsonValue {
  if (operator === '|=') return update(input, path, allowance, (current) => one(valueNode, current, allowance));
  const value = one(valueNode, input, allowance);
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
