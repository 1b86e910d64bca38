/** Everything a command touches of the process around it, so that tests can run commands in their own process. */
import type { Writable } from 'node:stream';

export interface CliIo {
  /** Read only when a command is given `-` as a file. */
  readonly stdin: NodeJS.ReadableStream;
  /** Results, and nothing else. */
  readonly stdout: Writable;
  /** Progress, notes and errors. */
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C and SIGTERM: a command that stays up ends in good order. */
  readonly signal: AbortSignal;
}

export function processIo(): CliIo {
  const stop = new AbortController();
  // A second Ctrl-C finds no listener any more and ends the process at once.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  // `sluice … | head` closes our stdout early; that is no error of ours.
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

/** True where a person sees a question and can answer it: a question into a pipe would wait for ever. */
export function canAnswer({ stdin, stderr }: CliIo): boolean {
  return isTerminal(stderr) && isTerminal(stdin);
}

export function isTerminal(stream: Writable | NodeJS.ReadableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}
