import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../../src/errors/foreign-errors';
import { DevServerError, PortTakenError } from '../dev-server-error';
import { GUARD_SCRIPT } from './guard-script';
import { isSessionShared } from './shared-session';

export interface ServerProcessOptions {
  /** Names the log file and the server in messages. */
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Holds the log file. Removed by the guard if this process dies; otherwise the caller removes it. */
  folder: string;
  /** Queries the server in its own protocol. An error means "not yet". */
  isReady: () => Promise<boolean>;
  readyTimeoutMs?: number;
  /** Time for the server to end after SIGTERM; ten seconds by default. */
  stopTimeoutMs?: number;
}

export interface ServerProcess {
  readonly logPath: string;
  /** Ends the server: SIGTERM, then SIGKILL after a while. Idempotent. */
  stop(): Promise<void>;
  /** Ends the server with SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Sends SIGSTOP to the server only: its guard keeps running, so that the server still ends with this process. */
  pause(): void;
  resume(): void;
  /** Process id of the server, not of its guard. */
  pid(): number;
  /** Undefined while it runs, null after a signal. */
  exitCode(): number | null | undefined;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG_LINES_IN_ERROR = 15;
const ADDRESS_IN_USE = /address already in use|EADDRINUSE|Address in use/i;

/** Starts a server behind a guard and waits until it responds. Throws with the end of its log if it dies first. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const logPath = join(options.folder, `${options.name}.log`);
  const log = openSync(logPath, 'a');
  const isGroup = !isSessionShared();
  const child = spawn('sh', ['-c', GUARD_SCRIPT, 'sluice-guard', options.folder, options.command, ...options.args], {
    cwd: options.folder,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', log, log],
    // A separate process group: Ctrl-C reaches only us, so that we stop servers in order; SIGKILL can reach them all.
    detached: isGroup,
  });
  closeSync(log);

  let failure: Error | undefined;
  let hasExited = false;
  const exited = new Promise<void>((resolve) => {
    const settle = () => {
      hasExited = true;
      resolve();
    };
    child.once('exit', settle);
    child.once('error', (error) => {
      failure = error;
      settle();
    });
  });
  // The pipe breaks when the guard ends first; its end is already reported by 'exit'.
  child.stdin?.on('error', () => undefined);
  // A program that does not stop its servers may still end; the guard then stops them.
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();

  const signalAndWait = async (signal: NodeJS.Signals, target: number) => {
    child.ref();
    try {
      process.kill(target, signal);
    } catch (error) {
      if (errorCode(error) !== 'ESRCH') throw error;
    }
    await Promise.race([exited, sleep(options.stopTimeoutMs ?? STOP_TIMEOUT_MS, undefined, { ref: false })]);
  };
  const pid = (): number => {
    const id = Number(readFileSync(join(options.folder, `pid-${child.pid}`), 'utf8'));
    // Signals to 0 reach this process and all that it started.
    if (!Number.isInteger(id) || id <= 0)
      throw new Error(`the guard of ${options.name} has not written a process id yet`);
    return id;
  };
  const kill = async () => {
    if (child.pid !== undefined && !hasExited) await signalAndWait('SIGKILL', isGroup ? -child.pid : pid());
  };
  const stop = async () => {
    if (child.pid !== undefined && !hasExited) await signalAndWait('SIGTERM', child.pid);
    await kill();
  };
  const signalServer = (signal: NodeJS.Signals): void => {
    if (!hasExited) process.kill(pid(), signal);
  };

  const deadline = Date.now() + (options.readyTimeoutMs ?? READY_TIMEOUT_MS);
  let lastProblem: unknown;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 200)) {
    if (hasExited) throw describeEarlyExit(options, logPath, failure ?? child.exitCode ?? child.signalCode);
    try {
      if (await options.isReady())
        return {
          logPath,
          stop,
          kill,
          pause: () => signalServer('SIGSTOP'),
          resume: () => signalServer('SIGCONT'),
          pid,
          exitCode: () => (hasExited ? child.exitCode : undefined),
        };
    } catch (error) {
      lastProblem = error;
    }
    if (Date.now() > deadline) {
      await kill();
      throw new DevServerError(
        `${options.name} did not answer within ${(options.readyTimeoutMs ?? READY_TIMEOUT_MS) / 1000} s.\n${endOfLog(logPath)}`,
        'see the log lines above; a slow machine may need another try',
        { cause: lastProblem },
      );
    }
    await sleep(pauseMs);
  }
}

function describeEarlyExit(options: ServerProcessOptions, logPath: string, outcome: unknown): DevServerError {
  const text = endOfLog(logPath);
  const reason = outcome instanceof Error ? outcome.message : `exit status ${String(outcome)}`;
  const message = `${options.name} ended before it was ready (${reason}): ${options.command}\n${text}`;
  if (ADDRESS_IN_USE.test(text)) return new PortTakenError(message);
  return new DevServerError(message);
}

function endOfLog(logPath: string): string {
  return readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_IN_ERROR).join('\n');
}
