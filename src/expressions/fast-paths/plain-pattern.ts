/**
 * RE2 patterns that JavaScript matches in the same way, and quickly.
 *
 * RE2 does not backtrack, JavaScript does: a pattern with nested or many repetitions could block the process for
 * minutes on a hostile event. Such patterns, and every construct that the two read differently, are left to the engine.
 */
import { memoize } from './memoize';

interface PlainPattern {
  readonly expression: RegExp;
  /** Longest text for which backtracking cannot exceed `MOST_STEPS`. */
  readonly longestText: number;
}

const MOST_REPETITIONS = 2;
const MOST_WAYS = 64;
/** Steps of JavaScript's matcher for one pattern and one text: a few milliseconds. */
const MOST_STEPS = 2_000_000;

const TOKENS =
  /\\[dws]|\\[.\\/^$*+?()[\]{}|-]|\[\^?(?:[A-Za-z0-9_ :/.,@-]|\\[dw.\\/-])+\]|\((?:\?:)?|[)|^$.]|[A-Za-z0-9_ :/,@;=<>%&~"'!#-]/y;
const QUANTIFIER = /(?:[*+?]|\{([0-9])(?:,([0-9]))?\})\??/y;

/** Undefined if the engine has to match it. */
export function matchesPlainPattern(pattern: string, text: string): boolean | undefined {
  const plain = parsePlainPattern(pattern);
  if (!plain || text.length > plain.longestText) return undefined;
  return plain.expression.test(text);
}

const parsePlainPattern = memoize((pattern: string): PlainPattern | undefined => {
  let translated = '';
  let repetitions = 0;
  /** Number of paths through its alternatives and counted repetitions that the matcher may have to try. */
  let ways = 1;
  let tokens = 0;
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
    tokens++;
    if (token === '|') ways *= 2;
    const quantifier = matchAt(QUANTIFIER, pattern, at);
    if (!quantifier) continue;
    if (token.startsWith('(') || [')', '|', '^', '$'].includes(token)) return undefined;
    at += quantifier[0].length;
    if (/[*+?{]/.test(pattern.charAt(at))) return undefined;
    translated += quantifier[0];
    if (/^[*+]/.test(quantifier[0])) repetitions++;
    else ways *= waysOf(quantifier);
    tokens += Number(quantifier[2] ?? quantifier[1] ?? 0);
  }
  if (depth !== 0 || repetitions > MOST_REPETITIONS || ways > MOST_WAYS) return undefined;
  // From each position in the text, each unbounded repetition can end at each later position.
  const longestText = Math.floor((MOST_STEPS / (ways * Math.max(1, tokens))) ** (1 / (repetitions + 1)));
  try {
    return { expression: new RegExp(translated, 'u'), longestText };
  } catch {
    return undefined; // RE2 reports what is wrong with it.
  }
});

/** `?` has two lengths, 0 and 1; `{2,5}` has four. */
function waysOf([text, least, most]: RegExpExecArray): number {
  if (text.startsWith('?')) return 2;
  return most === undefined ? 1 : Math.max(1, Number(most) - Number(least) + 1);
}

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

/** Syntax that both languages share but read differently: `.` and `\s`, and needless escapes. */
function translate(token: string): string {
  if (token === '.') return '[^\\n]';
  if (token === '\\s') return '[\\t\\n\\f\\r ]';
  if (token === '\\-') return '-';
  if (token.startsWith('[')) return token.replace(/(?!^)-(?=\]$)/, '\\-');
  return token;
}
