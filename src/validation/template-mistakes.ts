/** Mistakes in Go templates, for which the compiler reports only the line. */
import type { ExpressionComplaint } from '../expressions/engine';
import { closestMatch } from '../text/closest-match';
import { findText, findWord, offsetOf, unclosedQuote, type ExpressionMistake } from './expression-places';

/** Names of the functions in other tools. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  ...{ b64encode: 'b64enc', base64encode: 'b64enc', base64: 'b64enc', b64decode: 'b64dec', base64decode: 'b64dec' },
  ...{
    toupper: 'upper',
    uppercase: 'upper',
    tolower: 'lower',
    lowercase: 'lower',
    length: 'len',
    split_list: 'splitList',
  },
  ...{
    tojson: 'toJson',
    fromjson: 'fromJson',
    stringify: 'toJson',
    parsejson: 'fromJson',
    strip: 'trim',
    format: 'printf',
  },
};

const OF_HELM: ReadonlySet<string> = new Set(['include', 'tpl', 'toYaml', 'fromYaml', 'toToml', 'lookup', 'required']);
/** Functions that read the host. */
const OF_THE_HOST: ReadonlySet<string> = new Set(['env', 'expandenv', 'getHostByName']);

export function explainTemplate(text: string, { message, functions = [] }: ExpressionComplaint): ExpressionMistake {
  const [, line = '1', what = message] = /^template: \w+:(\d+)(?::\d+)?: ([\s\S]*)$/.exec(message) ?? [];
  const start = offsetOf(text, Number(line), 0);
  const name = /^function "(.+)" not defined$/.exec(what)?.[1];
  if (name !== undefined) {
    return {
      message: `unknown function ${name}`,
      offset: findWord(text, name, start),
      fix: adviseOnName(name, functions),
    };
  }
  const variable = /^undefined variable "(.+)"$/.exec(what)?.[1];
  if (variable !== undefined) {
    return {
      message: `unknown variable ${variable}`,
      offset: findText(text, variable, start),
      fix: `Set it first: {{ ${variable} := … }}.`,
    };
  }
  if (what === 'unclosed action') return { message: what, offset: openAction(text), fix: 'Close it with }}.' };
  if (what === 'unexpected EOF') {
    const block = openBlock(text);
    return {
      message: `{{ ${block?.word ?? 'if'} }} without {{ end }}`,
      offset: block?.at,
      fix: 'Close the block with {{ end }}.',
    };
  }
  if (what === 'unterminated quoted string')
    return { message: what, offset: unclosedQuote(text.slice(0, lineEnd(text, start)), '"`') };
  const key = /[.\w]*\.(\w*-[\w-]*)/.exec(text.slice(start));
  if (/^bad character U\+002D/.test(what) && key !== null) {
    const fix = `Write such a key with index: {{ index .Input ${JSON.stringify(key[1])} }}.`;
    return { message: 'a key with - cannot stand behind a dot', offset: start + key.index, fix };
  }
  const part = /^(?:unexpected|bad character \S+|bad number syntax:|illegal number syntax:) ?["'<{]+(.+?)["'>}]+/.exec(
    what,
  )?.[1];
  const from = findText(text, '{{', start) ?? start;
  const at = part === undefined ? undefined : (findText(text, part, from + 2) ?? findText(text, part, start));
  const fix = openAction(text) === undefined ? undefined : 'Close each {{ with }}.';
  return { message: what, offset: at ?? from, fix };
}

function adviseOnName(name: string, functions: readonly string[]): string | undefined {
  if (OF_THE_HOST.has(name)) return 'Remove it: functions that read the host are not available.';
  const meant = OTHER_NAMES[name.toLowerCase()] ?? closestMatch(name, functions);
  if (OF_HELM.has(name)) return `${name} is a function of Helm; templates of Sensors have those of sprig.`;
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

function openAction(text: string): number | undefined {
  const actions = [...text.matchAll(/\{\{/g)];
  return actions.find(({ index }, at) => !text.slice(index, actions[at + 1]?.index).includes('}}'))?.index;
}

/** The innermost block that is not closed. */
function openBlock(text: string): { readonly at: number; readonly word: string } | undefined {
  const open: Array<{ at: number; word: string }> = [];
  for (const { index, 1: word = '' } of text.matchAll(/\{\{-?\s*(if|range|with|define|block|end)\b/g)) {
    if (word === 'end') open.pop();
    else open.push({ at: index, word });
  }
  return open.at(-1);
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}
