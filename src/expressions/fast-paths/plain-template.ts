/**
 * Go templates that consist of text and `{{ .Input.a.b }}`, where the values are texts, booleans or numbers. Everything
 * else (functions, pipes, conditions, missing values) is left to the engine.
 */
import type { JsonValue } from '../../event/json';
import { isJsonText, type JsonDocument } from '../../event/json-text';
import { goNumberText } from '../go-values';
import { memoize } from './memoize';

type Part = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'value'; readonly keys: string[] };

const PLACEHOLDER = /\{\{ *\.Input((?:\.[A-Za-z_][A-Za-z0-9_]*)+) *\}\}/;

const parsePlainTemplate = memoize((template: string): readonly Part[] | undefined => {
  // With a capturing group, `split` gives text, keys, text, keys, … text.
  const pieces = template.split(PLACEHOLDER);
  const parts = pieces.map((piece, index): Part => {
    return index % 2 === 0 ? { kind: 'text', text: piece } : { kind: 'value', keys: piece.slice(1).split('.') };
  });
  return parts.some((part) => part.kind === 'text' && part.text.includes('{{')) ? undefined : parts;
});

/** Longer texts are left to the engine, which has its own limit. */
const LONGEST_TEXT = 1_000_000;

/** The text, or undefined if the engine has to render it. */
export function renderPlainTemplate(template: string, input: JsonDocument): string | undefined {
  const parts = parsePlainTemplate(template);
  if (!parts || isJsonText(input)) return undefined;
  let text = '';
  for (const part of parts) {
    const piece = part.kind === 'text' ? part.text : printable(input, part.keys);
    if (piece === undefined) return undefined;
    text += piece;
    if (text.length > LONGEST_TEXT) return undefined;
  }
  return text;
}

function printable(input: JsonValue, keys: readonly string[]): string | undefined {
  let value: JsonValue = input;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
      return undefined;
    value = value[key] ?? null;
  }
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return goNumberText(value);
  return typeof value === 'boolean' ? String(value) : undefined;
}
