/** Splits a jq program into tokens, as far as plain-jq-syntax.ts supports them. */
import type { JsonValue } from '../../event/json';

/** The program uses unsupported syntax: it is left to the engine. */
export class NotPlain extends Error {}

export type Token =
  | { readonly kind: 'symbol' | 'name' | 'field'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: JsonValue }
  /** A string with `\(…)` in it; the programs between the parentheses are not parsed yet. */
  | { readonly kind: 'text'; readonly parts: readonly (string | { readonly program: string })[] }
  | { readonly kind: 'end' };

const SPACE = /\s*/y;
const LEXEMES =
  /(\.[A-Za-z_]\w*)|([A-Za-z_]\w*)(?!::)|([0-9]+(?:\.[0-9]+)?)(?![\w.])|(\|=|\+=|\/\/|==|!=|<=|>=|[.[\]{}()|,:=+\-*/<>?;])/y;

/** Throws NotPlain. The last token is `end`. */
export function tokenizeJq(program: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    at += SPACE.exec(program)?.[0].length ?? 0;
    if (at >= program.length) return [...tokens, { kind: 'end' }];
    if (program[at] === '"') {
      const { token, end } = readString(program, at);
      tokens.push(token);
      at = end;
      continue;
    }
    LEXEMES.lastIndex = at;
    const [text = '', field, name, number] = LEXEMES.exec(program) ?? [];
    if (text === '' || program.startsWith('../..', at) || program.startsWith('//=', at)) throw new NotPlain();
    at += text.length;
    if (field) tokens.push({ kind: 'field', text: field.slice(1) });
    else if (name) tokens.push({ kind: 'name', text: name });
    else if (number) tokens.push({ kind: 'literal', value: readNumber(number) });
    else tokens.push({ kind: 'symbol', text });
  }
}

/** gojq keeps the digits of a literal. */
function readNumber(text: string): number {
  const value = Number(text);
  if (String(value) !== text) throw new NotPlain();
  return value;
}

/** `at` is the position of the opening quote; `end` is behind the closing one. */
function readString(program: string, at: number): { token: Token; end: number } {
  const parts: (string | { program: string })[] = [];
  let from = at + 1;
  for (let end = from; ; end++) {
    const character = program[end];
    if (character === undefined) throw new NotPlain();
    if (character === '"') {
      const rest = unescape(program.slice(from, end));
      const token: Token =
        parts.length === 0 ? { kind: 'literal', value: rest } : { kind: 'text', parts: [...parts, rest] };
      return { token, end: end + 1 };
    }
    if (character !== '\\') continue;
    end++;
    if (program[end] !== '(') continue;
    const close = program.indexOf(')', end);
    const inner = program.slice(end + 1, close);
    // Parentheses and strings inside would need a parser to find the end.
    if (close < 0 || /["(\\]/.test(inner)) throw new NotPlain();
    parts.push(unescape(program.slice(from, end - 1)), { program: inner });
    end = close;
    from = close + 1;
  }
}

function unescape(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(`"${text}"`);
  } catch {
    // The engine decides what such a string means.
  }
  if (typeof value === 'string') return value;
  throw new NotPlain();
}
