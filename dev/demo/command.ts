/** Runs `sluice` commands as a user would type them, and returns what they print. */
import { PassThrough } from 'node:stream';
import { runCli } from '../../src/cli/run-cli';

export class SluiceCommand {
  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  /** Returns what the command printed as JSON. Throws with its error output if it fails. */
  async json(...words: readonly string[]): Promise<unknown> {
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
    if (code !== 0) throw new Error(`sluice ${words.join(' ')} ended with ${code}: ${await complained}`);
    return JSON.parse(await printed);
  }
}

async function collect(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
