/** How gjson and Go read and write values. Undefined if JavaScript could differ; the engine then decides. */
import type { JsonValue } from '../event/json';
import { isJsonText, type JsonDocument } from '../event/json-text';
import type { GjsonType } from './engine';

/** gjson's `String()`: text of strings, digits of numbers without exponent, raw JSON of objects and arrays, '' for null. */
export function gjsonText(document: JsonDocument): string {
  return isJsonText(document) ? keptText(document.text) : textOfValue(document);
}

/** For an object or list its text; for a number its digits, if it has nothing else. */
function keptText(text: string): string {
  if (!isNumber(text) || /^-?[0-9]+$/.test(text)) return text;
  const value = Number(text);
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return Object.is(value, -0) ? '-0' : decimalText(value);
}

/** Whether the text is a JSON number. */
function isNumber(text: string): boolean {
  return /^[-0-9]/.test(text);
}

function textOfValue(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return decimalText(value);
  if (value === null) return '';
  return JSON.stringify(value);
}

/** gjson's `Float()`. */
export function gjsonNumber(document: JsonDocument): number | undefined {
  const value = plainValue(document);
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return numberInText(value);
  return value === true ? 1 : 0;
}

/** gjson's `Bool()`. */
export function gjsonBool(document: JsonDocument): boolean {
  const value = plainValue(document);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return ['1', 't', 'true'].includes(value.toLowerCase());
  return false;
}

export function gjsonType(document: JsonDocument): GjsonType {
  const value = plainValue(document);
  if (value === null) return 'Null';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return 'String';
  return typeof value === 'number' ? 'Number' : 'JSON';
}

/** A number as a float64, which gjson keeps beside the digits. */
function plainValue(document: JsonDocument): JsonValue {
  if (!isJsonText(document)) return document;
  return isNumber(document.text) ? Number(document.text) : document.value;
}

const TRUE_TEXTS = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE_TEXTS = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** Go's ParseBool; undefined for text that it rejects. */
export function parseGoBool(text: string): boolean | undefined {
  if (TRUE_TEXTS.includes(text)) return true;
  return FALSE_TEXTS.includes(text) ? false : undefined;
}

const DECIMAL = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;

/** Go's ParseFloat for decimal numbers; undefined for what it rejects and for its rarer forms (hex, inf, overflow). */
export function parseGoFloat(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** ParseFloat's value with its error ignored: 0 for text that cannot begin a number. */
function numberInText(text: string): number | undefined {
  const value = parseGoFloat(text);
  if (value !== undefined) return value;
  return /^[+-]?[.0-9iInN]/.test(text) ? undefined : 0;
}

/** Shortest digits, never an exponent. */
function decimalText(value: number): string {
  const text = JSON.stringify(value);
  if (!text.includes('e')) return text;
  const { sign, digits, exponent } = scientific(value);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return `${sign}${digits.padEnd(exponent + 1, '0')}`;
}

/** How Go's fmt prints a float64 (`%v`): 123456 as it is, but 1234567 as 1.234567e+06. */
export function goNumberText(value: number): string {
  if (value === 0) return '0';
  const { sign, digits, exponent } = scientific(value);
  if (exponent >= -4 && exponent < 6) return decimalText(value);
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${sign}${digits.charAt(0)}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
}

function scientific(value: number): { sign: string; digits: string; exponent: number } {
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  return { sign: value < 0 ? '-' : '', digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}
