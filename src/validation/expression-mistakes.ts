/** Turns a compiler's message about an expression into the position of the mistake and advice. */
import type { ExpressionComplaint, ExpressionLanguage } from '../expressions/engine';
import { closestMatch } from '../text/closest-match';
import {
  adviseToClose,
  blankStrings,
  endOf,
  findText,
  findWord,
  fromByteOffset,
  offsetOf,
  unbalancedBracket,
  unclosedQuote,
  type ExpressionMistake,
} from './expression-places';
import { explainTemplate } from './template-mistakes';

/** The search for the place of a mistake takes up to the square of the length. */
const LONGEST_EXPLAINED = 10_000;

export function explainComplaint(
  language: ExpressionLanguage,
  text: string,
  complaint: ExpressionComplaint,
): ExpressionMistake {
  if (text.length > LONGEST_EXPLAINED) return { message: complaint.message };
  switch (language) {
    case 'jq':
      return explainJq(text, complaint);
    case 'lua':
      return explainLua(text, complaint.message);
    case 'template':
      return explainTemplate(text, complaint);
    case 'govaluate':
      return explainGovaluate(text, complaint.message);
    case 'expr':
      return explainExpr(text, complaint.message);
    case 'regex':
      return explainRegex(text, complaint.message);
  }
}

/** Operators of other languages, and their replacement here. The longest come first. */
type Spellings = ReadonlyArray<readonly [wrong: string, right: string]>;

function adviseOnSpelling(text: string, offset: number, spellings: Spellings): string | undefined {
  // The compiler may point at the second character.
  for (const at of [offset, offset - 1]) {
    const found = spellings.find(([wrong]) => at >= 0 && text.slice(at, at + wrong.length).toLowerCase() === wrong);
    if (found !== undefined) return `Write ${found[1]}.`;
  }
  return undefined;
}

const JQ_SPELLINGS: Spellings = [
  ['&&', 'and instead of &&'],
  ['||', 'or instead of ||'],
  ['!=', '!= between two values'],
  ['!', '(…) | not instead of !'],
  ["'", 'texts in double quotes'],
];

/** Names of the functions in other languages. */
const JQ_NAMES: Readonly<Record<string, string>> = {
  ...{ tolower: 'ascii_downcase', lower: 'ascii_downcase', downcase: 'ascii_downcase', lowercase: 'ascii_downcase' },
  ...{ toupper: 'ascii_upcase', upper: 'ascii_upcase', upcase: 'ascii_upcase', uppercase: 'ascii_upcase' },
  ...{ parse_json: 'fromjson', parsejson: 'fromjson', json_parse: 'fromjson', stringify: 'tojson' },
  ...{ replace: 'gsub', size: 'length', count: 'length', len: 'length', str: 'tostring', int: 'tonumber' },
};

function explainJq(text: string, { message, offset, functions = [] }: ExpressionComplaint): ExpressionMistake {
  const [, name, arity] = /^function not defined: (.+)\/(\d+)$/.exec(message) ?? [];
  if (name !== undefined) return { offset: findWord(text, name), ...explainJqFunction(name, Number(arity), functions) };
  const variable = /^variable not defined: \$(.+)$/.exec(message)?.[1];
  if (variable !== undefined) {
    const bound = [...text.matchAll(/\bas\s[^|]*?\$(\w+)/g)].map(([, each]) => each ?? '');
    const meant = closestMatch(variable, bound);
    const fix = meant === undefined ? `Bind it first: … as $${variable} | …` : `Did you mean $${meant}?`;
    return { message: `unknown variable $${variable}`, offset: findVariable(text, variable), fix };
  }
  if (message === 'unexpected EOF') {
    const words = blankStrings(text);
    const isOpenIf = (words.match(/\bif\b/g)?.length ?? 0) > (words.match(/\bend\b/g)?.length ?? 0);
    const fix = adviseToClose(text) ?? (isOpenIf ? 'Close if … then … with end.' : undefined);
    return { message: 'ends too early', offset: endOf(text), fix };
  }
  if (message.startsWith('unterminated string')) return { message, offset: unclosedQuote(text, '"') };
  if (message.startsWith('cannot load module')) {
    return { message, offset: text.search(/\b(?:import|include)\b/), fix: 'Remove it: there are no modules here.' };
  }
  if (offset === undefined) return { message, offset: findWord(text, 'input') ?? findWord(text, 'inputs') };
  const at = fromByteOffset(text, offset);
  return { message: unexpected(message), offset: at, fix: adviseOnJqToken(text, at) };
}

function findVariable(text: string, name: string): number | undefined {
  const at = text.search(new RegExp(`\\$${name}(?!\\w)`));
  return at === -1 ? undefined : at;
}

const JQ_FORMATS = '@text @json @html @uri @urid @csv @tsv @sh @base32 @base32d @base64 @base64d'.split(' ');

function adviseOnJqToken(text: string, at: number): string | undefined {
  const format = /^@\w+/.exec(text.slice(at))?.[0];
  if (format === undefined) return adviseOnSpelling(text, at, JQ_SPELLINGS);
  if (!JQ_FORMATS.includes(format)) return didYouMean(closestMatch(format, JQ_FORMATS));
  return /[^|(,:\s]\s*$/.test(text.slice(0, at)) ? `Write a pipe before it: | ${format}.` : undefined;
}

function explainJqFunction(name: string, arity: number, functions: readonly string[]): ExpressionMistake {
  const arities = functions.flatMap((each) =>
    each.startsWith(`${name}/`) ? [Number(each.slice(name.length + 1))] : [],
  );
  if (arities.length > 0) {
    const wanted = arities.sort((a, b) => a - b).join(' or ');
    const fix = Math.max(...arities) > 1 ? 'Separate arguments by ; in jq.' : undefined;
    return { message: `the function ${name} takes ${wanted} arguments, not ${arity}`, fix };
  }
  const names = [...new Set(functions.map((each) => each.replace(/\/\d+$/, '')))];
  return {
    message: `unknown function ${name}`,
    fix: didYouMean(JQ_NAMES[name.toLowerCase()] ?? closestMatch(name, names)),
  };
}

const LUA_SPELLINGS: Spellings = [
  ['!=', '~= instead of !='],
  ['&&', 'and instead of &&'],
  ['||', 'or instead of ||'],
  ['+=', 'x = x + y instead of x += y'],
  ['-=', 'x = x - y instead of x -= y'],
  ['++', 'x = x + 1 instead of x++'],
  ['!', 'not instead of !'],
];

function explainLua(text: string, complaint: string): ExpressionMistake {
  const [, line, column, token = '', what = ''] =
    /line:(\d+)\(column:(\d+)\) near '([\s\S]*)':\s*([\s\S]*)$/.exec(complaint) ?? [];
  if (line !== undefined && column !== undefined) {
    // The column is that of the token's end.
    const end = offsetOf(text, Number(line), Number(column));
    const start = text.slice(end - token.length, end) === token ? end - token.length : Math.max(0, end - 1);
    const isUsual = /^(syntax error|parse error|invalid token)/i.test(what);
    const message = isUsual ? `unexpected ${JSON.stringify(token)}` : what.trim();
    return { message, offset: start, fix: adviseOnSpelling(text, start, LUA_SPELLINGS) };
  }
  if (complaint.includes('unterminated string')) return { message: 'a text does not end', offset: unclosedQuote(text) };
  if (complaint.includes('at EOF')) {
    const words = blankStrings(text);
    const opened = words.match(/\b(?:if|for|while|function)\b/g)?.length ?? 0;
    const isOpen = opened > (words.match(/\bend\b/g)?.length ?? 0);
    const fix = adviseToClose(text) ?? (isOpen ? 'Close if, for, while and function with end.' : undefined);
    return { message: 'ends too early', offset: endOf(text), fix };
  }
  const [, message = complaint, at] = /script: ([\s\S]*?)(?: at line (\d+))?$/.exec(complaint.trim()) ?? [];
  return { message, offset: at === undefined ? undefined : offsetOf(text, Number(at), 0) };
}

const GOVALUATE_SPELLINGS: Spellings = [
  ['===', '== instead of ==='],
  ['!==', '!= instead of !=='],
  ['<>', '!= instead of <>'],
  ['=', '== instead of ='],
  ['and', '&& instead of and'],
  ['or', '|| instead of or'],
  ['not', '! instead of not'],
  ['contains', '=~ with a regular expression'],
  ['like', '=~ with a regular expression'],
  ['matches', '=~ with a regular expression'],
];

function explainGovaluate(text: string, complaint: string): ExpressionMistake {
  const token = /^Invalid token: '(.*)'$/s.exec(complaint)?.[1];
  if (token !== undefined) {
    const at = findText(blankStrings(text), token);
    return { message: `unexpected ${token}`, offset: at, fix: adviseAt(text, at, GOVALUATE_SPELLINGS) };
  }
  const [, before = '', after] = / from \w+ \[([\s\S]*)\] to \w+ \[([\s\S]*)\]$/.exec(complaint) ?? [];
  if (after !== undefined) {
    const start = findText(text, before) ?? 0;
    const at = findText(text, after, start + before.length);
    const fix = adviseAt(text, at, GOVALUATE_SPELLINGS) ?? adviseAt(text, start, GOVALUATE_SPELLINGS);
    return { message: `${after} cannot follow ${before}`, offset: at, fix };
  }
  const name = /^Undefined function (.+)$/.exec(complaint)?.[1];
  if (name !== undefined) {
    const fix = 'Remove the call: this filter has no functions. Filters of kind script (Lua) have.';
    return { message: `unknown function ${name}`, offset: findWord(text, name), fix };
  }
  switch (complaint) {
    case 'Unexpected end of expression':
      return { message: 'ends too early', offset: endOf(text), fix: adviseToClose(text) };
    case 'Unbalanced parenthesis':
      return {
        message: 'a bracket without its partner',
        offset: unbalancedBracket(text)?.at,
        fix: adviseToClose(text),
      };
    case 'Unclosed string literal':
      return { message: 'a text does not end', offset: unclosedQuote(text) };
    case 'Unclosed parameter bracket':
      return { message: 'a name in brackets does not end', offset: findText(text, '['), fix: 'Close it with ].' };
  }
  const accessor = / in token '(.+)'$/.exec(complaint)?.[1];
  if (accessor !== undefined) {
    const fix = `Give the field a name without a dot, or write [${accessor}].`;
    return { message: 'a name with a dot is read as a field of an object', offset: findWord(text, accessor), fix };
  }
  return { message: withoutRegexPrefix(complaint), offset: findText(text, /`(.+)`$/s.exec(complaint)?.[1] ?? '\0') };
}

const EXPR_SPELLINGS: Spellings = [
  ['=~', 'matches instead of =~'],
  ['==', '== between two values'],
  ['=', '== instead of ='],
  ['<>', '!= instead of <>'],
  ['and', 'and in small letters'],
  ['or', 'or in small letters'],
  ['not', 'not in small letters'],
];

function explainExpr(text: string, complaint: string): ExpressionMistake {
  const [, what = complaint, line, column] = /^([\s\S]*?) \((\d+):(\d+)\)(?:\n|$)/.exec(complaint) ?? [];
  if (/token EOF$/.test(what)) return { message: 'ends too early', offset: endOf(text), fix: adviseToClose(text) };
  // For a character that it cannot read, the library reports the position behind it.
  const before = what.startsWith('unrecognized character') ? 2 : 1;
  const at = line === undefined ? undefined : offsetOf(text, Number(line), Number(column) - before);
  const message = withoutRegexPrefix(unexpected(what));
  return { message, offset: at, fix: adviseAt(text, at, EXPR_SPELLINGS) };
}

function explainRegex(text: string, complaint: string): ExpressionMistake {
  const [, what = complaint, part = ''] = /^error parsing regexp: ([\s\S]*?): `([\s\S]*)`$/.exec(complaint) ?? [];
  const bracket = /^(?:missing closing|unexpected) [)\]]$/.test(what) ? unbalancedBracket(text)?.at : undefined;
  const offset = bracket ?? (part === '' ? endOf(text) : findText(text, part));
  const message = part === '' || bracket !== undefined ? what : `${what} ${part}`;
  const fix = /^\(\?<?[=!]/.test(part)
    ? 'RE2 has no look-ahead and look-behind: write a pattern that matches, and other filters to exclude.'
    : /^\\[1-9]/.test(part)
      ? 'RE2 has no back-references.'
      : undefined;
  return { message, offset, fix };
}

function adviseAt(text: string, at: number | undefined, spellings: Spellings): string | undefined {
  return at === undefined ? undefined : adviseOnSpelling(text, at, spellings);
}

/** `unexpected token Operator("=")` → `unexpected =`. */
function unexpected(message: string): string {
  return message.replace(/^unexpected token (?:\w+\()?"(.*)"\)?$/s, (_, token: string) => `unexpected ${token}`);
}

function withoutRegexPrefix(message: string): string {
  return message.replace(/^error parsing regexp: /, 'a regular expression does not parse: ');
}

function didYouMean(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `Did you mean ${name}?`;
}
