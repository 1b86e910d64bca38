/** Runs `sluice` commands as a user would type them, and returns what they print. */
import { PassThrough } from 'node:stream';
import { runCli } from '../../src/cli/run-cli';

export class SluiceCommand {
  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  /** Returns what the command printed as JSON. Throws with its error output if it fails. */
  async json(...words: readonly string[]): Promise<unknown> {
    const { code, printed, complained } = await this.run(words);
    if (code !== 0) throw new Error(`sluice ${words.join(' ')} ended with ${code}: ${complained}`);
    return JSON.parse(printed);
  }

  /** The same, for a command whose exit code says what it found. */
  async jsonWhatever(...words: readonly string[]): Promise<unknown> {
    const { code, printed, complained } = await this.run(words);
    if (printed === '') throw new Error(`sluice ${words.join(' ')} ended with ${code}: ${complained}`);
    return JSON.parse(printed);
  }

  private async run(words: readonly string[]): Promise<{ code: number; printed: string; complained: string }> {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const [printed, complained] = [collect(stdout), collect(stderr)];
    const code = await runCli([...words, '-o', 'json'], {
      stdin: process.stdin,
      stdout,
      stderr,
      env: { ...process.env, ...this.environment },
      signal: new AbortController().signal,
    });
    stdout.end();
    stderr.end();
    return { code, printed: await printed, complained: await complained };
  }
}

async function collect(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
