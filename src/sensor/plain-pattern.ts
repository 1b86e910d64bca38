/**
 * RE2 patterns that JavaScript matches alike, and quickly.
 *
 * RE2 knows no backtracking, JavaScript does: a pattern with nested or many repetitions could stop the process for
 * minutes on a hostile event. Such patterns, and every construct that the two read differently, go to the engine.
 */
import { remember } from './remember';

interface PlainPattern {
  readonly expression: RegExp;
  /** Longest text on which backtracking cannot cost more than a few milliseconds. */
  readonly longestText: number;
}

const MOST_CHOICES = 4;
const LONGEST_TEXT_BY_REPETITIONS = [100_000, 2_000, 200];

const TOKENS =
  /\\[dws]|\\[.\\/^$*+?()[\]{}|-]|\[\^?(?:[A-Za-z0-9_ :/.,@-]|\\[dw.\\/-])+\]|\((?:\?:)?|[)|^$.]|[A-Za-z0-9_ :/,@;=<>%&~"'!#-]/y;
const QUANTIFIER = /(?:[*+?]|\{([0-9])(?:,([0-9]))?\})\??/y;

/** Undefined: ask the engine. */
export function matchesPlainPattern(pattern: string, text: string): boolean | undefined {
  const plain = parsePlainPattern(pattern);
  if (!plain || text.length > plain.longestText) return undefined;
  return plain.expression.test(text);
}

const parsePlainPattern = remember((pattern: string): PlainPattern | undefined => {
  let translated = '';
  let repetitions = 0;
  let choices = 0;
  let depth = 0;
  let at = 0;
  while (at < pattern.length) {
    const token = matchAt(TOKENS, pattern, at)?.[0];
    if (token === undefined) return undefined;
    at += token.length;
    translated += translate(token);
    if (token.startsWith('(')) depth++;
    if (token === ')') depth--;
    if (depth < 0) return undefined;
    if (token === '|' && depth > 0) choices++;
    const quantifier = matchAt(QUANTIFIER, pattern, at);
    if (!quantifier) continue;
    if (token.startsWith('(') || [')', '|', '^', '$'].includes(token)) return undefined;
    at += quantifier[0].length;
    if (/[*+?{]/.test(pattern.charAt(at))) return undefined;
    translated += quantifier[0];
    if (/^[*+]/.test(quantifier[0])) repetitions++;
    else if (quantifier[0].startsWith('?') || quantifier[2] !== undefined) choices++;
  }
  const longestText = LONGEST_TEXT_BY_REPETITIONS[repetitions];
  if (depth !== 0 || longestText === undefined || choices > MOST_CHOICES) return undefined;
  try {
    return { expression: new RegExp(translated, 'u'), longestText };
  } catch {
    return undefined; // whatever is wrong with it, RE2 decides and says so
  }
});

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

/** What the two languages write alike but mean differently: `.` and `\s`, and needless escapes. */
function translate(token: string): string {
  if (token === '.') return '[^\\n]';
  if (token === '\\s') return '[\\t\\n\\f\\r ]';
  if (token === '\\-') return '-';
  if (token.startsWith('[')) return token.replace(/(?!^)-(?=\]$)/, '\\-');
  return token;
}
