import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { scrape } from '../metrics/read-metrics';
import { eventually } from '../setup/eventually';

/** Loaded into the worker: does what a client library does that forgets a handler, once it is asked to. */
const FAULT = `
const { existsSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');
const asked = setInterval(() => {
  if (!isMainThread || !existsSync(process.env.FAULT_WHEN)) return;
  clearInterval(asked);
  Promise.reject(new Error('left without a handler'));
}, 50);
`;

describe('a worker', () => {
  let cluster: ClusterOfOne;
  let folder: string;
  let worker: RunningWorker;

  beforeAll(async () => {
    cluster = await startClusterOfOne();
    folder = await mkdtemp(join(tmpdir(), 'sluice-guarded-'));
    await writeFile(join(folder, 'fault.cjs'), FAULT);
    worker = await startWorker('all-in-one', {
      ...cluster.environment,
      SLUICE_MAX_ACTIVITIES: '5',
      FAULT_WHEN: join(folder, 'now'),
      NODE_OPTIONS: `--require ${join(folder, 'fault.cjs')}`,
    });
  });
  afterAll(async () => {
    await worker?.stop();
    await cluster?.stop();
    await rm(folder, { recursive: true });
  });

  const manifests = (...sensors: readonly string[]): string =>
    [
      cluster.busDocument,
      ...sensors.map(
        (name) => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: ${name} }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: note, log: {} } }]
`,
      ),
    ].join('---\n');
  const list = async () => {
    const run = await cluster.sluice(['list', 'sensors', '-n', cluster.namespace.name, '-o', 'json']);
    return jsonOf<{ objects: ReadonlyArray<{ name: string; state: string; reason?: string }> }>(run).objects;
  };
  const log = () => readFile(worker.logPath, 'utf8');

  it('keeps slots for triggers by rejecting further listeners, and reports it everywhere', async () => {
    const file = await cluster.manifest('four.yaml', manifests('one', 'two', 'three', 'four'));
    const run = await cluster.sluice(['apply', '-f', file]);
    expect(run.exitCode).toBe(0);
    const full = await eventually(async () => {
      const sensors = await list();
      const waiting = sensors.filter(({ state }) => state === 'NotReady');
      return sensors.filter(({ state }) => state === 'Ready').length === 3 && waiting.length === 1 && waiting[0];
    });
    expect(full.reason).toMatch(/no worker has capacity.*SLUICE_MAX_ACTIVITIES/);
    expect(await log()).toContain('no worker has capacity');
    const status = await cluster.sluice(['status', `sensor/${full.name}`]);
    expect({ exitCode: status.exitCode, said: status.stdout }).toEqual({
      exitCode: 1,
      said: expect.stringContaining('no worker has capacity') as string,
    });
    const gauges = (await scrape(worker.metricsUrl)).filter(({ name }) => name.startsWith('sluice_worker_long'));
    expect(gauges.map(({ name, value }) => [name, value]).sort()).toEqual([
      ['sluice_worker_long_activities', 3],
      ['sluice_worker_long_activities_limit', 3],
    ]);
    const other = (await list()).find(({ state }) => state === 'Ready');
    expect((await cluster.sluice(['delete', `sensor/${other?.name}`])).exitCode).toBe(0);
    await eventually(async () => (await list()).every(({ state }) => state === 'Ready'));
  }, 180_000);

  it('survives an unhandled error, and names it in its log and its metrics', async () => {
    await writeFile(join(folder, 'now'), '');
    await eventually(async () => (await log()).includes('left without a handler'));
    await eventually(async () =>
      (await scrape(worker.metricsUrl)).some(
        ({ name, value }) => name === 'sluice_worker_unhandled_errors_total' && value === 1,
      ),
    );
    expect((await fetch(`${worker.healthUrl}/readyz`)).ok).toBe(true);
    expect((await list()).map(({ state }) => state)).toEqual(['Ready', 'Ready', 'Ready']);
  }, 120_000);
});
