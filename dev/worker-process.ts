/** A worker in a separate process, as in a cluster: the compiled entry point, configured by environment alone. */
import { join } from 'node:path';
import { repoRoot } from './repo-root';
import { startOnFreePorts } from './processes/free-ports';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';

export type WorkerEntry = 'all-in-one' | 'event-source' | 'sensor' | 'controller';

export interface RunningWorker {
  /** JSON lines of its whole log. */
  readonly logPath: string;
  readonly healthUrl: string;
  readonly metricsUrl: string;
  /** Lets running triggers finish, as Kubernetes does. */
  stop(): Promise<void>;
  /** Kills it in the middle of its work. */
  kill(): Promise<void>;
  /** SIGSTOP: its connections stay open, and it does nothing until it is resumed. */
  pause(): void;
  resume(): void;
  readonly pid: number;
  /** Undefined while it runs, null after a signal. */
  exitCode(): number | null | undefined;
}

/** Resolves once the worker reports that it is ready. */
export async function startWorker(
  entry: WorkerEntry,
  environment: Readonly<Record<string, string>>,
): Promise<RunningWorker> {
  const folder = await createTemporaryFolder(`worker-${entry}`);
  try {
    return await startOnFreePorts([undefined, undefined], async (healthPort, metricsPort) => {
      const healthUrl = `http://127.0.0.1:${healthPort}`;
      const server = await startServerProcess({
        name: `worker-${entry}`,
        command: process.execPath,
        args: ['--enable-source-maps', join(repoRoot, 'dist', 'workers', `${entry}.js`)],
        env: { ...environment, SLUICE_HEALTH_PORT: String(healthPort), SLUICE_METRICS_PORT: String(metricsPort) },
        folder,
        isReady: async () => (await fetch(`${healthUrl}/readyz`)).ok,
        stopTimeoutMs: 20_000,
      });
      return {
        logPath: server.logPath,
        healthUrl,
        metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
        stop: async () => {
          await server.stop();
          await removeFolder(folder);
        },
        kill: () => server.kill(),
        pause: () => server.pause(),
        resume: () => server.resume(),
        pid: server.pid(),
        exitCode: () => server.exitCode(),
      };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
