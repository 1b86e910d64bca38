/** Positions inside the text of an expression: finding and displaying them. */
import { describeValue, withoutPasswords, type Finding } from '../manifest/problem';

export interface ExpressionMistake {
  readonly message: string;
  /** Into the text, in UTF-16 units. Undefined if the compiler reports no position. */
  readonly offset?: number;
  readonly fix?: string;
}

/** Longer lines are cut around the position. */
const WIDTH = 76;
const BEFORE_PLACE = 56;

export interface ShownPlace extends Pick<Finding, 'found' | 'caret'> {
  /** `, line 2, column 5`; without the line if there is only one, and empty if the position is unknown. */
  readonly where: string;
}

/** The line that contains the mistake, with a caret below it. `offset` is into the text, in UTF-16 units. */
export function showPlace(text: string, offset: number | undefined): ShownPlace {
  if (offset === undefined) return { where: '', found: describeValue(text) };
  const before = text.slice(0, offset).split('\n');
  const line = text.split('\n')[before.length - 1] ?? '';
  const column = [...(before.at(-1) ?? '')].length;
  const isOneLine = !text.trimEnd().includes('\n');
  const where = isOneLine ? `, column ${column + 1}` : `, line ${before.length}, column ${column + 1}`;
  if (withoutPasswords(line) !== line) return { where, found: describeValue(line) };
  const characters = [...line.trimEnd().replace(/\s/g, ' ')];
  if (characters.length <= WIDTH) return { where, found: characters.join(''), caret: column };
  const start = Math.max(0, Math.min(column - BEFORE_PLACE, characters.length - WIDTH));
  const cut = characters.slice(start, start + WIDTH).join('');
  const [head, tail] = [start > 0 ? '…' : '', start + WIDTH < characters.length ? '…' : ''];
  return { where, found: `${head}${cut}${tail}`, caret: column - start + head.length };
}

/** End of the last line that is not blank. */
export function endOf(text: string): number {
  return text.trimEnd().length;
}

/** `line` counts from 1, `column` from 0. */
export function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split('\n').slice(0, line - 1);
  return Math.min(text.length, lines.reduce((length, each) => length + each.length + 1, 0) + column);
}

/** From an offset in bytes of UTF-8. */
export function fromByteOffset(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().length;
}

/** Text of the same length in which the contents of quoted strings are blank. */
export function blankStrings(text: string): string {
  return text.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`/gs, (quoted) => ' '.repeat(quoted.length));
}

/** The first occurrence of the name as a whole word, outside of quoted strings if possible. */
export function findWord(text: string, word: string, from = 0): number | undefined {
  const pattern = new RegExp(`(?<![\\w.$"'])${escapePattern(word)}(?!\\w)`);
  for (const searched of [blankStrings(text), text]) {
    const at = searched.slice(from).search(pattern);
    if (at !== -1) return from + at;
  }
  return undefined;
}

export function findText(text: string, wanted: string, from = 0): number | undefined {
  const at = text.indexOf(wanted, from);
  return at === -1 ? undefined : at;
}

/** Start of a quoted string that is not closed. */
export function unclosedQuote(text: string, quotes = `"'`): number | undefined {
  let open: number | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (open === undefined ? quotes.includes(character) : character === text[open]) {
      open = open === undefined ? at : undefined;
    } else if (character === '\\' && open !== undefined) at += 1;
  }
  return open;
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The last bracket that is opened and not closed, or else the first that is closed and was not opened. */
export function unbalancedBracket(text: string): { readonly at: number; readonly closing?: string } | undefined {
  const open: number[] = [];
  const blank = blankStrings(text);
  for (let at = 0; at < blank.length; at += 1) {
    const character = blank[at] ?? '';
    if (character in CLOSING) open.push(at);
    else if (')]}'.includes(character)) {
      if (CLOSING[blank[open.at(-1) ?? -1] ?? ''] !== character) return { at };
      open.pop();
    }
  }
  const at = open.at(-1);
  return at === undefined ? undefined : { at, closing: CLOSING[blank[at] ?? ''] };
}

/** `Close ( of column 7 with ).` */
export function adviseToClose(text: string): string | undefined {
  const bracket = unbalancedBracket(text);
  if (bracket?.closing === undefined) return undefined;
  return `Close ${text[bracket.at]} of ${showPlace(text, bracket.at).where.slice(2)} with ${bracket.closing}.`;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
