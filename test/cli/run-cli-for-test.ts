/** Runs the command in this process and collects what it writes. */
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ExitCode } from '../../src/cli/exit-codes';
import { runCli } from '../../src/cli/run-cli';

export interface CliRun {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** What standard input holds. */
  readonly stdin?: string;
  /** Called with what stdout holds so far, each time it grows. */
  readonly onOutput?: (soFar: string) => void;
}

export async function runSluice(argv: readonly string[], options: CliRunOptions = {}): Promise<CliRun> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let soFar = '';
  stdout.on('data', (chunk: Buffer) => {
    soFar += chunk.toString();
    options.onOutput?.(soFar);
  });
  const errors = text(stderr);
  const exitCode = await runCli(argv, {
    stdin: Readable.from([options.stdin ?? '']),
    stdout,
    stderr,
    env: { ...process.env, ...options.env },
    signal: options.signal ?? new AbortController().signal,
  });
  stdout.end();
  stderr.end();
  return { exitCode, stdout: soFar, stderr: await errors };
}

/** The result of a command that was run with `-o json`. */
export function jsonOf<T = Record<string, unknown>>(run: CliRun): T {
  try {
    return JSON.parse(run.stdout) as T;
  } catch (cause) {
    throw new Error(`expected JSON on stdout, exit code ${run.exitCode}, stderr: ${run.stderr}`, { cause });
  }
}
