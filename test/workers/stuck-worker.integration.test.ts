import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { WORKFLOW_TYPES } from '../../src/contract/identity';
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';

/** As many as a worker takes at a time. */
const SLOTS = 40;

/** Loaded into the worker: once it is asked to, no task is completed, as if the SDK had lost them. */
const FAULT = `
const { existsSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');
if (isMainThread) {
  const { Worker } = require(require.resolve('@temporalio/worker', { paths: [${JSON.stringify(repoRoot)}] }));
  const create = Worker.create;
  const holding = {
    encode: async (payloads) => payloads,
    decode: async (payloads) => (existsSync(process.env.FAULT_WHEN) ? new Promise(() => undefined) : payloads),
  };
  Worker.create = (options) => create.call(Worker, { ...options, dataConverter: { payloadCodecs: [holding] } });
}
`;

describe('a worker that has lost its slots for workflow tasks', () => {
  let world: SluiceWorld;
  let stage: Stage;
  let folder: string;
  let worker: RunningWorker | undefined;

  beforeAll(async () => {
    world = await openWorld();
    stage = new Stage(world);
    folder = await mkdtemp(join(tmpdir(), 'sluice-stuck-'));
    await writeFile(join(folder, 'fault.cjs'), FAULT);
  });
  afterAll(async () => {
    await worker?.kill();
    await stage?.remove();
    await world?.close();
    await rm(folder, { recursive: true });
  });

  it('is alive but not ready, and its process exits with WORKER_STUCK', async () => {
    const taskQueue = `stuck-${stage.namespace}`;
    const running = await startWorker('sensor', {
      TEMPORAL_ADDRESS: world.temporalAddress,
      KUBECONFIG: world.kubernetes.kubeconfigPath,
      SLUICE_SENSOR_TASK_QUEUE: taskQueue,
      FAULT_WHEN: join(folder, 'now'),
      NODE_OPTIONS: `--require ${join(folder, 'fault.cjs')}`,
    });
    worker = running;
    await writeFile(join(folder, 'now'), '');
    const handles = await Promise.all(
      Array.from({ length: SLOTS }, (_, index) =>
        world.client.workflow.start(WORKFLOW_TYPES.sensor, {
          workflowId: `${stage.handle.workflowId}-${index}`,
          taskQueue,
          args: [{ definition: stage.define({ triggers: [stage.httpTrigger('t', ['a'])] }) }],
        }),
      ),
    );
    const ready = await eventually(async () => {
      const response = await fetch(`${running.healthUrl}/readyz`);
      return response.status === 503 && response;
    });
    expect(await ready.json()).toEqual({
      workers: ['RUNNING'],
      problems: [`all ${SLOTS} slots for workflow tasks are in use, and none is released`],
    });
    expect((await fetch(`${running.healthUrl}/healthz`)).status).toBe(200);
    expect(await eventually(() => running.exitCode(), { timeoutMs: 800_000 })).toBe(1);
    expect(await readFile(running.logPath, 'utf8')).toContain('WORKER_STUCK');
    await Promise.all(handles.map((handle) => handle.terminate()));
  }, 900_000);
});
