/** The logger of a worker: JSON lines on stdout. */
import pino, { type Logger, type LoggerOptions } from 'pino';

/** Characters that change the text direction: in a terminal, they can make a line read differently. */
const BIDIRECTIONAL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function createLog(options: LoggerOptions = { name: 'sluice' }): Logger {
  return pino({ ...options, hooks: { ...options.hooks, streamWrite: escapeBidirectional } });
}

/** Returns the same JSON: these characters can only be inside strings. */
export function escapeBidirectional(line: string): string {
  return line.replace(BIDIRECTIONAL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
