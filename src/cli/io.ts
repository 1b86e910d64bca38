/** The parts of its process that a command uses, so that tests can run commands in their own process. */
import type { Writable } from 'node:stream';

export interface CliIo {
  /** Read only if a command is given `-` as a file. */
  readonly stdin: NodeJS.ReadableStream;
  /** Results only. */
  readonly stdout: Writable;
  /** Progress, notes and errors. */
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C and SIGTERM, for an orderly end of long-running commands. */
  readonly signal: AbortSignal;
}

export function processIo(): CliIo {
  const stop = new AbortController();
  // A second Ctrl-C finds no listener and ends the process at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  // `sluice … | head` closes our stdout early, which is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: stop.signal,
  };
}

/** True if a user sees a question and can answer it: a question into a pipe would wait forever. */
export function canAnswer({ stdin, stderr }: CliIo): boolean {
  return isTerminal(stderr) && isTerminal(stdin);
}

export function isTerminal(stream: Writable | NodeJS.ReadableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}
