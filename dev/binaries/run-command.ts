import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { DevServerError } from '../dev-server-error';

const LINES_IN_ERROR = 15;

export interface CommandOptions {
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  /** Called with every line the command prints, on either stream. */
  onLine?: (line: string) => void;
}

/** Runs a command to its end and returns what it printed. Throws with its last lines if it fails or is not installed. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        options.onLine?.(line);
      });
    }
    child.once('error', (cause) =>
      reject(new DevServerError(`cannot run ${command}: ${cause.message}`, undefined, { cause })),
    );
    child.once('close', (status, signal) => {
      if (status === 0) return resolve(lines.join('\n'));
      const end = lines.slice(-LINES_IN_ERROR).join('\n');
      reject(new DevServerError(`${command} ${args.join(' ')} ended with ${status ?? signal}\n${end}`));
    });
  });
}
