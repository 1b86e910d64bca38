/** Asks the user at the terminal a question. */
import { createInterface } from 'node:readline/promises';
import type { CliIo } from './io';

/** Resolves with true only for yes; with false for any other input, its end, or an interrupted command. */
export async function askYes(io: CliIo, question: string): Promise<boolean> {
  const terminal = createInterface({ input: io.stdin, output: io.stderr });
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `, { signal: io.signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (io.signal.aborted) return false;
    throw error;
  } finally {
    terminal.close();
  }
}
