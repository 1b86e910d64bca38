/**
 * The YAML library's tree of a document: the position of each field, and its value as far as the library reads it.
 *
 * Go's library, and so kubectl, reads quoted texts and flow collections whose continuation lines are not indented; this
 * library does not. Such lines are joined before parsing, without moving a character.
 */
import { parseDocument, type Document, type YAMLParseError } from 'yaml';
import { kubernetesTags } from './yaml-tags';

/** Each takes one more pass over the text; a document that needs more is read by Go alone. */
const MAX_PASSES = 30;

const OPTIONS = {
  version: '1.1',
  customTags: kubernetesTags,
  strict: false,
  // The library's own check takes quadratic time.
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

/** Throws a RangeError for text that consists of brackets. */
export function parseLayout(text: string): Document.Parsed {
  let current = text;
  for (let pass = 0; ; pass += 1) {
    const document = parseDocument(current, OPTIONS);
    const joined = pass < MAX_PASSES ? joinLines(current, document.errors[0]) : undefined;
    if (joined === undefined) return document;
    current = joined;
  }
}

/** The same number of characters, with the quoted text or flow collection around the mistake in one line. */
function joinLines(text: string, mistake: YAMLParseError | undefined): string | undefined {
  if (mistake === undefined) return undefined;
  const [at] = mistake.pos;
  const quote = /^Missing closing (["'])/.exec(mistake.message)?.[1];
  const start = quote === undefined ? findOpenBracket(text, at) : findOpenQuote(text, at, quote);
  if (start === undefined) return undefined;
  const end = quote === undefined ? endOfFlow(text, start) : endOfQuote(text, start);
  const span = end === undefined ? '' : text.slice(start, end);
  if (!span.includes('\n')) return undefined;
  const line = quote === undefined ? blankComments(span) : span;
  return text.slice(0, start) + line.replace(/[\r\n]/g, ' ') + text.slice(start + span.length);
}

function findOpenQuote(text: string, from: number, quote: string): number | undefined {
  for (let index = from - 1; index >= 0; index -= 1) {
    if (text[index] !== quote) continue;
    if (quote === "'" && text[index - 1] === "'") index -= 1;
    else if (quote !== '"' || !/(?:^|[^\\])(?:\\\\)*\\$/.test(text.slice(Math.max(0, index - 20), index))) return index;
  }
  return undefined;
}

/** The innermost open bracket; quoted brackets on the way may mislead the search, and then no lines are joined. */
function findOpenBracket(text: string, from: number): number | undefined {
  let closed = 0;
  for (let index = from - 1; index >= 0; index -= 1) {
    const char = text[index];
    if (char === '}' || char === ']') closed += 1;
    if (char !== '{' && char !== '[') continue;
    if (closed === 0) return index;
    closed -= 1;
  }
  return undefined;
}

/** Offset behind the closing quote. */
function endOfQuote(text: string, start: number): number | undefined {
  const quote = text[start];
  for (let index = start + 1; index < text.length; index += 1) {
    if (quote === '"' && text[index] === '\\') index += 1;
    else if (text[index] === quote) {
      if (quote !== "'" || text[index + 1] !== "'") return index + 1;
      index += 1;
    }
  }
  return undefined;
}

function endOfFlow(text: string, start: number): number | undefined {
  let depth = 0;
  for (let index = start; index < text.length; index += 1) {
    const char = text[index];
    if ((char === '"' || char === "'") && /[\s,:[{]/.test(text[index - 1] ?? ' ')) {
      index = (endOfQuote(text, index) ?? text.length) - 1;
    } else if (char === '#' && /\s/.test(text[index - 1] ?? ' ')) {
      const next = text.indexOf('\n', index);
      index = next === -1 ? text.length : next;
    } else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
  }
  return undefined;
}

function blankComments(flow: string): string {
  return flow.replace(/(^|\s)#[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
}
