/** Colour, only on a terminal and unless NO_COLOR (https://no-color.org) is set. */
import type { Writable } from 'node:stream';
import { isTerminal, type CliIo } from '../io';

export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'strong';

const ANSI: Record<Tone, string> = {
  good: '\u001b[32m',
  bad: '\u001b[31m',
  warning: '\u001b[33m',
  quiet: '\u001b[2m',
  strong: '\u001b[1m',
};

export type Paint = (tone: Tone | undefined, text: string) => string;

export function createPaint(io: CliIo, stream: Writable): Paint {
  const coloured = isTerminal(stream) && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb';
  return (tone, text) => (coloured && tone ? `${ANSI[tone]}${text}\u001b[0m` : text);
}

/** Text from outside (event ids, messages) must not be able to move the cursor or rename the terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\u00b7');
}
