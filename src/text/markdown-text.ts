/**
 * Text from elsewhere (ids, messages, operators' input) inside the Markdown that the Temporal UI renders. Pure.
 *
 * The UI accepts HTML, turns `$x$` into mathematics, "--" into a dash and straight quotes into curly ones. So text that
 * an operator may want to copy is code, and everything else is escaped.
 */

const MOST_CHARACTERS = 200;
/** Wider than the panel; browsers do not break such a word. */
const LONG_WORD = /([^\s-]{48})(?=[^\s-])/;
/** Code is kept: it cannot contain active content, and our own advice quotes commands in this way. */
const CODE_OR_ACTIVE = /`[^`]+`|[\\`*_[\]<>|~$^&]/g;

/** For text that must be exact: an id, a name, a message of a server. Copying it gives the text itself. */
export function asCode(text: string, mostCharacters = MOST_CHARACTERS): string {
  return (
    oneLine(text, mostCharacters)
      .split(LONG_WORD)
      .filter((part) => part !== '')
      // A code span drops the spaces at its ends.
      .map((part) => part.replace(/\S(.*\S)?/, codeSpan))
      .join('<wbr>')
  );
}

/** For text written by operators or by Sluice. */
export function asProse(text: string, mostCharacters = MOST_CHARACTERS): string {
  return oneLine(text, mostCharacters).replace(CODE_OR_ACTIVE, (found) => (found.length > 1 ? found : `\\${found}`));
}

/** `label` is Markdown already; `target` is an address. A quote would begin a title. */
export function asLink(label: string, target: string): string {
  return `[${label}](${target.replace(/[()<>'"\s]/g, encodeAscii)})`;
}

/** Describes the first values, as many as fit, and says how many are omitted. */
export function describeFirst<Value>(
  values: readonly Value[],
  most: { readonly values: number; readonly characters: number },
  describe: (value: Value) => string,
  describeOthers: (count: number) => string,
): string[] {
  let length = 0;
  const lines = values.slice(0, most.values).map(describe);
  const shown = lines.filter((line) => (length += line.length) <= most.characters);
  return shown.length === values.length ? shown : [...shown, '', describeOthers(values.length - shown.length)];
}

function codeSpan(text: string): string {
  if (!text.includes('`')) return `\`${text}\``;
  const longestRun = Math.max(...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longestRun + 1);
  const space = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${space}${text}${space}${fence}`;
}

function oneLine(text: string, mostCharacters: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters - 1)}…` : line;
}

function encodeAscii(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
