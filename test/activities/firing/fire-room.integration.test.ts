import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createFireActivities } from '../../../activities/firing/fire-triggers';
import { createFiring } from '../../../activities/firing/firing';
import { startRun } from '../../../activities/starting/start-runs';
import { FireLoad } from '../../../activities/worker/fire-load';
import { createWorkerDependencies, type WorkerDependencies } from '../../../activities/worker/worker-dependencies';
import { startTemporal } from '../../../dev/servers';
import type { LoadedFire } from '../../../src/contract/packed-fires';
import { createRunStart } from '../../../src/contract/run-start';
import type { SensorDefinition } from '../../../src/contract/definitions';
import { parseSensor } from '../../../src/validation/parse-manifest';
import { eventually } from '../../setup/eventually';
import { startHttpRecorder, type HttpRecorder } from '../../setup/http-recorder';
import { installRuntime, workflowBundle } from '../../workflows/sluice-world';
import { cloudEvent } from '../../setup/cloud-event';

/** As many as a worker has under way before it holds events back. */
const FIRES = 200;

describe('a fire with an activity of its own', () => {
  let connection: NativeConnection;
  let receiver: HttpRecorder;
  let dependencies: WorkerDependencies;

  beforeAll(async () => {
    installRuntime();
    const { address } = await startTemporal();
    [connection, receiver] = await Promise.all([NativeConnection.connect({ address }), startHttpRecorder()]);
    dependencies = createWorkerDependencies({ log: pino({ level: 'silent' }) });
  });
  afterAll(async () => {
    await Promise.all([dependencies.close(), receiver.close()]);
    await connection.close();
  });

  it.each([
    ['succeeded', 200],
    ['failed permanently', 400],
  ])('frees the capacity of its namespace once it has %s', async (_what, status) => {
    const namespace = `room-${randomBytes(4).toString('hex')}`;
    receiver.answerWith(status, `/${namespace}`);
    const definition = sensorWithHttpTrigger(namespace, `${receiver.url}/${namespace}`);
    // What was forgotten would have room, too: nothing is forgotten within an hour.
    const fireLoad = new FireLoad(3_600_000);
    const firing = createFiring(dependencies);
    const taskQueue = namespace;
    const worker = await Worker.create({
      connection,
      taskQueue,
      workflowBundle: await workflowBundle(),
      activities: createFireActivities(firing, fireLoad),
    });
    const run = createRunStart(definition, firesOf(FIRES));
    const { signal } = new AbortController();
    await worker.runUntil(async () => {
      const { workflow } = new Client({ connection });
      fireLoad.started(
        definition,
        run.input.fires.map(({ id }) => id),
      );
      expect(await startRun(workflow, taskQueue, run)).toBe(true);
      await eventually(() => receiver.requests(`/${namespace}`).length === FIRES);
      // None is on its way; and if most of the calls had not ended, this would wait.
      expect(await fireLoad.capacity(definition, signal)).toBe(FIRES);
    });
    await firing.close();
  });
});

function sensorWithHttpTrigger(namespace: string, url: string): SensorDefinition {
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'calls', namespace },
    spec: {
      dependencies: [{ name: 'a', eventSourceName: 'hooks', eventName: 'calls' }],
      triggers: [
        {
          template: {
            name: 'call',
            http: { url, payload: [{ src: { dependencyName: 'a', dataKey: 'n' }, dest: 'n' }] },
          },
        },
      ],
    },
  });
  const bus = { namespace, name: 'default', spec: { jetstream: { version: 'latest' } } };
  return { namespace, name: 'calls', spec: object.spec, options, bus };
}

function firesOf(count: number): LoadedFire[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `fire-${n}`,
    trigger: 'call',
    dependencies: {
      a: [cloudEvent({ id: `${n}`, data: { n } })],
    },
  }));
}
