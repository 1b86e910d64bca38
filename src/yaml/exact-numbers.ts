/**
 * Whole numbers beyond 2^53 inside objects that triggers change and send: they are carried as a text that only this
 * process can generate, and become numbers again when the object is written.
 */
import { randomBytes } from 'node:crypto';
import { endOfString, type JsonValue } from '../event/json';
import { isJsonText, type JsonDocument } from '../event/json-text';
import { visit, type Document } from 'yaml';

/** Letters and digits: JSON and YAML write them unchanged. */
const MARK = `sluice-number-${randomBytes(12).toString('hex')}-`;
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?`;
/**
 * A whole string of JSON. Parts of longer strings stay as they are: whoever has seen the mark, in an error that names a
 * field, could otherwise break out of a string of an object whose fields were checked before.
 */
const MARKED_IN_JSON = new RegExp(String.raw`(?<!\\)"${MARK}(${NUMBER})"`, 'g');
const MARKED_IN_YAML = new RegExp(`["']?${MARK}(${NUMBER})["']?`, 'g');
const STRING_OR_NUMBER = /"|-?[0-9][-+0-9.eE]*/g;

/** The document as a mutable object. Key order and duplicate keys are as JavaScript reads them. */
export function toWorkingCopy(document: JsonDocument): JsonValue {
  if (!isJsonText(document)) return document;
  const { text } = document;
  let marked = '';
  let from = 0;
  for (;;) {
    STRING_OR_NUMBER.lastIndex = from;
    const found = STRING_OR_NUMBER.exec(text);
    if (!found) return JSON.parse(marked + text.slice(from)) as JsonValue;
    const [token] = found;
    const end = token === '"' ? endOfString(text, found.index) + 1 : found.index + token.length;
    marked += isRounded(token) ? `${text.slice(from, found.index)}"${MARK}${token}"` : text.slice(from, end);
    from = end;
  }
}

function isRounded(token: string): boolean {
  if (token === '"') return false;
  const value = Number(token);
  return !Number.isFinite(value) || (/^-?[0-9]+$/.test(token) && !Number.isSafeInteger(value));
}

/** Marks the same numbers in a tree of YAML, before it is converted to objects. */
export function markNumbers(document: Document.Parsed): void {
  visit(document, {
    Scalar: (_key, node) => {
      const digits = node.source?.replace(/^\+/, '') ?? '';
      // Not those of YAML 1.1: 0644, 1_000, 190:20:30.
      if (typeof node.value !== 'number' || !/^-?[1-9][0-9]*$/.test(digits)) return;
      if (isRounded(digits)) node.value = MARK + digits;
    },
  });
}

/** The object as JavaScript reads it, without marks. */
export function roundNumbers<Value>(value: Value): Value {
  const text = JSON.stringify(value) as string | undefined;
  return text?.includes(MARK) === true ? (JSON.parse(restoreNumbers(text)) as Value) : value;
}

/** A text of such an object without marks: only the digits. */
export function withoutMarks(text: string): string {
  return text.includes(MARK) ? text.replaceAll(MARK, '') : text;
}

/** `JSON.stringify` that restores the numbers marked by `toWorkingCopy`. */
export function writeExactly(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  return text.includes(MARK) ? text.replace(MARKED_IN_JSON, '$1') : text;
}

/** Restores the marked numbers in YAML for people. */
export function restoreNumbers(text: string): string {
  return text.includes(MARK) ? text.replace(MARKED_IN_YAML, '$1') : text;
}
