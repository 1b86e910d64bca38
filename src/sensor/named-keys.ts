/**
 * Which top-level keys of the event a script or template can see.
 *
 * Decoding a large event inside the engine costs more than most scripts; one that names what it reads gets only that.
 * Whenever the text might reach the rest in another way, it gets everything.
 */
import type { JsonValue } from '../event/json';
import { remember } from './remember';

const REACHES_GLOBALS = /_G|fenv|load|rawget|debug|__index/;
const LUA_EVENT = /\bevent\b(\.([A-Za-z_]\w*)|\["([^"\\]*)"\]|\['([^'\\]*)'\])?/g;
const TEMPLATE_INPUT = /Input\b/g;
const TEMPLATE_INPUT_KEY = /\.Input\.([A-Za-z_]\w*)/g;
/** A lone `.` or `$`, or a `$` that is followed by a field: the root is handed on as a whole. */
const TEMPLATE_ROOT = /\$(?![A-Za-z_])|(^|[\s({|,])\.(?![A-Za-z_0-9])/;

type Keys = readonly string[] | 'all';

const keysOfLua = remember((script: string): Keys => {
  if (REACHES_GLOBALS.test(script)) return 'all';
  const keys: string[] = [];
  for (const match of script.matchAll(LUA_EVENT)) {
    const key = match[2] ?? match[3] ?? match[4];
    if (key === undefined) return 'all';
    keys.push(key);
  }
  return keys;
});

const keysOfTemplate = remember((template: string): Keys => {
  if (TEMPLATE_ROOT.test(template)) return 'all';
  const keys = [...template.matchAll(TEMPLATE_INPUT_KEY)].map((match) => match[1] ?? '');
  return keys.length === [...template.matchAll(TEMPLATE_INPUT)].length ? keys : 'all';
});

/** The part of `data` that a Lua filter can see. */
export function visibleToLua(script: string, data: JsonValue): JsonValue {
  return pick(data, keysOfLua(script));
}

/** The part of `data` that a template can see as `.Input`. */
export function visibleToTemplate(template: string, data: JsonValue): JsonValue {
  return pick(data, keysOfTemplate(template));
}

function pick(data: JsonValue, keys: Keys): JsonValue {
  if (keys === 'all' || typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => keys.includes(key)));
}
