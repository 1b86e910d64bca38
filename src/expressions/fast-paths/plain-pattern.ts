/**
 * RE2 patterns that JavaScript matches alike, and quickly.
 *
 * RE2 knows no backtracking, JavaScript does: a pattern with nested or many repetitions could stop the process for
 * minutes on a hostile event. Such patterns, and every construct that the two read differently, go to the engine.
 */
import { remember } from './remember';

interface PlainPattern {
  readonly expression: RegExp;
  /** Longest text on which backtracking cannot cost more than `MOST_STEPS`. */
  readonly longestText: number;
}

const MOST_REPETITIONS = 2;
const MOST_WAYS = 64;
/** Steps of JavaScript's matcher for one pattern and one text: a few milliseconds. */
const MOST_STEPS = 2_000_000;

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
  /** Among how many ways through its alternatives and counted repetitions the matcher may have to choose. */
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
  // From each place in the text, each unbounded repetition can end at each place behind it.
  const longestText = Math.floor((MOST_STEPS / (ways * Math.max(1, tokens))) ** (1 / (repetitions + 1)));
  try {
    return { expression: new RegExp(translated, 'u'), longestText };
  } catch {
    return undefined; // whatever is wrong with it, RE2 decides and says so
  }
});

/** `?` is there or not; `{2,5}` has four lengths. */
function waysOf([text, least, most]: RegExpExecArray): number {
  if (text.startsWith('?')) return 2;
  return most === undefined ? 1 : Math.max(1, Number(most) - Number(least) + 1);
}

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
