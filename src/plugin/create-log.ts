/** The logger of a worker: JSON lines on stdout. */
import pino, { type Logger, type LoggerOptions } from 'pino';

/** Characters that change the direction of what follows: in a terminal, they make a line read as something else. */
const BIDIRECTIONAL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function createLog(options: LoggerOptions = { name: 'sluice' }): Logger {
  return pino({ ...options, hooks: { ...options.hooks, streamWrite: escapeBidirectional } });
}

/** The same JSON: these characters can only be inside of strings. */
export function escapeBidirectional(line: string): string {
  return line.replace(BIDIRECTIONAL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
