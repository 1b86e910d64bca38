/** The functions of jq that plain-jq.ts supports. */
import { isJsonObject, type JsonValue } from '../../event/json';
import { isJsonText, readJson, type JsonDocument } from '../../event/json-text';
import { isJqTruthy, jqKeys, NeedsJq, requireJqText } from './plain-jq-values';
import type { JqAllowance } from './plain-jq-values';
import type { JqNode } from './plain-jq-syntax';

/** The evaluation of one program. */
export interface JqRun {
  readonly allowance: JqAllowance;
  /** The outputs of a node on an input. */
  outputs(node: JqNode, input: JsonValue): JsonValue[];
}

/** The outputs of `name(argument)` on `input`. Throws NeedsJq if the engine must evaluate it. */
export function callJqFunction(name: string, argument: JqNode | undefined, input: JsonValue, run: JqRun): JsonValue[] {
  if (name === 'empty' && !argument) return [];
  if (!argument) {
    const plain = PLAIN_FUNCTIONS[name];
    if (!plain || !Object.hasOwn(PLAIN_FUNCTIONS, name)) throw new NeedsJq();
    if (typeof input === 'string') run.allowance.spendOnText(input.length);
    return [plain(input, run.allowance)];
  }
  switch (name) {
    case 'map':
      if (!Array.isArray(input)) throw new NeedsJq();
      return [input.flatMap((element) => run.outputs(argument, element))];
    case 'select':
      return isJqTruthy(only(run.outputs(argument, input))) ? [input] : [];
    case 'del':
      return [deletePaths(argument, input, run.allowance)];
    default:
      return [withText(name, input, requireJqText(only(run.outputs(argument, input))), run.allowance)];
  }
}

function only([value, ...more]: JsonValue[]): JsonValue {
  if (value === undefined || more.length > 0) throw new NeedsJq();
  return value;
}

const PLAIN_FUNCTIONS: Readonly<Record<string, (input: JsonValue, allowance: JqAllowance) => JsonValue>> = {
  not: (input) => !isJqTruthy(input),
  type: typeName,
  length: lengthOf,
  keys: (input, allowance) => {
    if (!isJsonObject(input)) throw new NeedsJq();
    return jqKeys(input, allowance);
  },
  tostring: (input) => {
    if (typeof input === 'string') return input;
    if (typeof input === 'number') return numberText(input);
    if (typeof input === 'object' && input !== null) throw new NeedsJq();
    return String(input);
  },
  tonumber: (input) => {
    if (typeof input === 'number') return input;
    const text = requireJqText(input);
    const value = Number(text);
    // gojq keeps the digits.
    if (!/^-?[0-9.]+$/.test(text) || String(value) !== text || value === 0) throw new NeedsJq();
    return value;
  },
  fromjson: (input) => {
    let document: JsonDocument;
    try {
      document = readJson(requireJqText(input));
    } catch {
      throw new NeedsJq(); // The engine reports the error.
    }
    if (isJsonText(document)) throw new NeedsJq(); // gojq keeps the digits of numbers
    return document;
  },
  ascii_downcase: (input) => requireJqText(input).replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  ascii_upcase: (input) => requireJqText(input).replace(/[a-z]/g, (letter) => letter.toUpperCase()),
};

function withText(name: string, input: JsonValue, text: string, allowance: JqAllowance): JsonValue {
  if (typeof input === 'string') allowance.spendOnText(input.length);
  switch (name) {
    case 'has':
      if (!isJsonObject(input)) throw new NeedsJq();
      return Object.hasOwn(input, text);
    case 'split':
      if (input === '' || text === '') throw new NeedsJq();
      return pieces(requireJqText(input).split(text), allowance);
    case 'join':
      if (!Array.isArray(input) || input.length === 0) throw new NeedsJq();
      for (const piece of input) allowance.spendOnText(requireJqText(piece).length + text.length);
      return input.map(requireJqText).join(text);
    case 'startswith':
      return requireJqText(input).startsWith(text);
    case 'endswith':
      return requireJqText(input).endsWith(text);
    case 'ltrimstr': {
      const whole = requireJqText(input);
      return whole.startsWith(text) ? whole.slice(text.length) : whole;
    }
    case 'rtrimstr': {
      const whole = requireJqText(input);
      return text !== '' && whole.endsWith(text) ? whole.slice(0, -text.length) : whole;
    }
    default:
      throw new NeedsJq();
  }
}

function pieces(list: string[], allowance: JqAllowance): string[] {
  allowance.spend(list.length);
  return list;
}

function typeName(value: JsonValue): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function lengthOf(value: JsonValue): number {
  if (value === null) return 0;
  if (typeof value === 'string') return [...value].length;
  if (typeof value === 'number') return Math.abs(value);
  if (typeof value === 'boolean') throw new NeedsJq();
  return Object.keys(value).length;
}

/** Numbers that every library writes in the same way. */
function numberText(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e15)) throw new NeedsJq();
  return String(value);
}

/** Paths of object keys only; keys that do not exist are ignored. */
function deletePaths(argument: JqNode, input: JsonValue, allowance: JqAllowance): JsonValue {
  if (argument.kind === 'comma') {
    return deletePaths(argument.right, deletePaths(argument.left, input, allowance), allowance);
  }
  return deleteKeys(input, keysOf(argument), allowance);
}

function keysOf(node: JqNode): string[] {
  if (node.kind === 'identity') return [];
  if (node.kind !== 'field') throw new NeedsJq();
  return [...keysOf(node.of), node.name];
}

function deleteKeys(value: JsonValue, keys: readonly string[], allowance: JqAllowance): JsonValue {
  const [key, ...rest] = keys;
  if (key === undefined || (value !== null && !isJsonObject(value))) throw new NeedsJq();
  if (value === null || !Object.hasOwn(value, key)) return value;
  allowance.spend(Object.keys(value).length);
  const { [key]: inner = null, ...others } = value;
  if (rest.length === 0) return others;
  return { ...others, [key]: deleteKeys(inner, rest, allowance) };
}
