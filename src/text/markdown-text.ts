/**
 * Text from elsewhere (ids, messages, what people type) inside the Markdown that the Temporal UI renders. Pure.
 *
 * The UI takes HTML, turns `$x$` into mathematics and "--" into a dash, and makes quotes round. So what somebody may
 * want to copy is code, and everything else is escaped.
 */

const MOST_CHARACTERS = 200;
/** Wider than the panel, and broken by no browser. */
const LONG_WORD = /([^\s-]{48})(?=[^\s-])/;
/** Code is kept: nothing is active in it, and our own advice names commands so. */
const CODE_OR_ACTIVE = /`[^`]+`|[\\`*_[\]<>|~$^&]/g;

/** To be read letter by letter: an id, a name, a message of a server. What is copied from it is the text itself. */
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

/** Words of a person or of ours. */
export function asProse(text: string, mostCharacters = MOST_CHARACTERS): string {
  return oneLine(text, mostCharacters).replace(CODE_OR_ACTIVE, (found) => (found.length > 1 ? found : `\\${found}`));
}

/** `label` is Markdown already; `target` is an address. A quote would begin a title. */
export function asLink(label: string, target: string): string {
  return `[${label}](${target.replace(/[()<>'"\s]/g, encodeAscii)})`;
}

/** Describes the first values, as many as fit, and says what is left out. */
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
