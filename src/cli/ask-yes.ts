/** A question to the person at the terminal. */
import { createInterface } from 'node:readline/promises';
import type { CliIo } from './io';

/** False for anything but yes, and when the input ends or the command is interrupted. */
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
