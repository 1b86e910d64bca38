/** How long programs take to start: a worker until it is ready, and commands until they have ended. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repoRoot } from '../dev/repo-root';
import { startWorker } from '../dev/worker-process';
import { percentile } from './percentile';
import { writeSmallObjects } from './small-objects';

export interface StartupResult {
  /** Absent without servers. */
  readonly workerReadyMs?: number;
  readonly helpMs: number;
  /** `validate` of 100 manifests. */
  readonly validateMs: number;
  /** `node -e 0`, which no program of Node can beat. */
  readonly nodeMs: number;
}

const MANIFESTS = { sensors: 90, eventSources: 9 };
const run = promisify(execFile);

/** Medians over the rounds. */
export async function measureStartup(
  rounds: number,
  environment: Readonly<Record<string, string>> | undefined,
): Promise<StartupResult> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    await writeSmallObjects(folder, MANIFESTS);
    const cli = join(repoRoot, 'dist', 'src', 'cli', 'main.js');
    const node = (...words: readonly string[]) => median(rounds, () => run(process.execPath, words));
    const nodeMs = await node('-e', '0');
    const helpMs = await node(cli, '--help');
    const validateMs = await node(cli, 'validate', '-f', folder);
    if (environment === undefined) return { helpMs, validateMs, nodeMs };
    const stops: Array<() => Promise<void>> = [];
    const workerReadyMs = await median(Math.min(rounds, 3), async () => {
      const worker = await startWorker('sensor', { ...environment, SLUICE_SENSOR_TASK_QUEUE: 'bench-startup' });
      stops.push(() => worker.stop());
    });
    await Promise.all(stops.map((stop) => stop()));
    return { workerReadyMs, helpMs, validateMs, nodeMs };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function median(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  }
  return percentile(
    times.sort((a, b) => a - b),
    50,
  );
}
