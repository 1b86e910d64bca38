/**
 * Which top-level keys of the event a script or template can see.
 *
 * Decoding a large event inside the engine costs more than most scripts; a script that names the keys that it reads
 * gets only those. If the text might reach others in another way, it gets everything.
 */
import { isJsonText, type JsonDocument } from '../event/json-text';
import { memoize } from '../expressions/fast-paths/memoize';

const REACHES_GLOBALS = /_G|fenv|load|rawget|debug|__index/;
const LUA_EVENT = /\bevent\b(\.([A-Za-z_]\w*)|\["([^"\\]*)"\]|\['([^'\\]*)'\])?/g;
/** As Go reads identifiers. */
const TEMPLATE_INPUT_KEY =
  /(?<![\p{L}\p{Nd}_.$)])\$?\.Input\.([\p{L}_][\p{L}\p{Nd}_]*)(?:\.[\p{L}_][\p{L}\p{Nd}_]*)*/gu;
/** In the rest of an action, any of these may pass on the whole event. A dot between digits is a number. */
const REACHES_INPUT = /[$]|(?<!\d)\.|\.(?!\d)/;

type Keys = readonly string[] | 'all';

const keysOfLua = memoize((script: string): Keys => {
  if (REACHES_GLOBALS.test(script)) return 'all';
  const keys: string[] = [];
  for (const match of script.matchAll(LUA_EVENT)) {
    const key = match[2] ?? match[3] ?? match[4];
    if (key === undefined) return 'all';
    keys.push(key);
  }
  return keys;
});

const keysOfTemplate = memoize((template: string): Keys => {
  const code = codeOfTemplate(template);
  if (code === undefined) return 'all';
  const keys = [...code.matchAll(TEMPLATE_INPUT_KEY)].map((match) => match[1] ?? '');
  return REACHES_INPUT.test(code.replaceAll(TEMPLATE_INPUT_KEY, ' ')) ? 'all' : keys;
});

const TEMPLATE_QUOTES = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'/y;

/** The code between `{{` and `}}`, without quoted texts; undefined if it cannot be determined with certainty. */
function codeOfTemplate(template: string): string | undefined {
  let code = '';
  for (let at = template.indexOf('{{'); at >= 0; at = template.indexOf('{{', at)) {
    at += 2;
    while (!template.startsWith('}}', at)) {
      const character = template[at];
      if (character === undefined || template.startsWith('/*', at)) return undefined;
      if (!['"', '`', "'"].includes(character)) {
        code += character;
        at++;
        continue;
      }
      TEMPLATE_QUOTES.lastIndex = at;
      const quoted = TEMPLATE_QUOTES.exec(template);
      if (!quoted) return undefined;
      code += ' ';
      at += quoted[0].length;
    }
    code += ' ';
    at += 2;
  }
  return code;
}

/** The part of `data` that a Lua filter can see. */
export function visibleToLua(script: string, data: JsonDocument): JsonDocument {
  return pick(data, keysOfLua(script));
}

/** The part of `data` that a template can see as `.Input`. */
export function visibleToTemplate(template: string, data: JsonDocument): JsonDocument {
  return pick(data, keysOfTemplate(template));
}

function pick(data: JsonDocument, keys: Keys): JsonDocument {
  if (keys === 'all' || isJsonText(data) || typeof data !== 'object' || data === null || Array.isArray(data))
    return data;
  return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(data, key) ? [[key, data[key] ?? null]] : [])));
}
