import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Connection } from '@temporalio/client';
import Redis from 'ioredis';
import { startArgoControllerStandIn, type ArgoControllerStandIn } from '../../dev/argo-controller-stand-in';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import { repoRoot } from '../../dev/repo-root';
import { startKubernetes, startTemporal, type OwnKubernetes } from '../../dev/servers';
import { startSystem } from '../../dev/system';
import { jsonOf, runSluice } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';

const WORKFLOWS = '/apis/argoproj.io/v1alpha1/namespaces/team-a/workflows';
const ADMINISTERED = [
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  '/api/v1/serviceaccounts',
  WORKFLOWS,
];
/** Longer than the stand-in of `sluice dev` and of the demo lets a Workflow run. */
const CONTROLLER_DURATION_MS = 3_000;

const MANIFESTS = `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstream: { version: latest } }
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac }
spec:
  redisStream:
    items: { hostAddress: 'redis:6379', consumerGroup: g, streams: [STREAM] }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers:
    - template:
        name: detect
        argoWorkflow:
          operation: submit
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: Workflow
              metadata: { generateName: detect- }
              spec: { entrypoint: main, templates: [{ name: main, suspend: {} }] }
`;

interface DevAnswer {
  readonly environment: Readonly<Record<string, string>>;
}

interface Stored {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

describe('with an external cluster in SLUICE_DEV_KUBECONFIG', () => {
  let cluster: OwnKubernetes;
  let api: ApiClient;
  const before = process.env['SLUICE_DEV_KUBECONFIG'];

  beforeAll(async () => {
    cluster = await startKubernetes({ own: true });
    api = await cluster.connect();
    await api.expect('POST', '/api/v1/namespaces', { metadata: { name: 'team-a' } });
    const running = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: { name: 'of-the-team' },
      spec: { entrypoint: 'main' },
      status: { phase: 'Running' },
    };
    await api.expect('POST', WORKFLOWS, running);
    process.env['SLUICE_DEV_KUBECONFIG'] = cluster.kubeconfigPath;
  });

  afterAll(async () => {
    process.env['SLUICE_DEV_KUBECONFIG'] = before;
    api?.close();
    await cluster?.stop();
  });

  /** Everything that belongs to the cluster's owner, with its version. */
  const administered = async (): Promise<string[]> => {
    const lists = await Promise.all(ADMINISTERED.map((path) => api.expect('GET', path)));
    return lists.flatMap(({ body }) =>
      (body as { items: Stored[] }).items.map(
        ({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`,
      ),
    );
  };
  const playController = (namespace: string): Promise<ArgoControllerStandIn> =>
    startArgoControllerStandIn({ kubernetes: cluster, namespace, durationMs: CONTROLLER_DURATION_MS });

  it('`sluice dev` works with the existing controller, and leaves the rest of the cluster unchanged', async () => {
    const untouched = await administered();
    const folder = await mkdtemp(join(tmpdir(), 'sluice-external-'));
    const file = join(folder, 'all.yaml');
    await writeFile(file, MANIFESTS);
    const controller = await playController('of-dev');
    const stop = new AbortController();
    let up: (printed: string) => void = () => undefined;
    const printed = new Promise<string>((resolve) => (up = resolve));
    const dev = runSluice(['dev', '-f', file, '-n', 'of-dev', '--no-stac', '-o', 'json'], {
      signal: stop.signal,
      onOutput: (output) => up(output),
    });
    try {
      const early = dev.then((run) => Promise.reject(new Error(`ended early: ${run.stderr}`)));
      const { environment } = JSON.parse(await Promise.race([printed, early])) as DevAnswer;
      const redis = new Redis(environment['SLUICE_REDIS_URL'] ?? '');
      await redis.xadd('STREAM', '*', 'href', 'a');
      redis.disconnect();
      await eventually(async () => {
        const run = await runSluice(['runs', 'list', '-n', 'of-dev', '-o', 'json'], { env: environment });
        const [first] = jsonOf<{ runs: Array<{ state: string }> }>(run).runs;
        if (first?.state === 'Succeeded') return true;
        // Which side is late: Sluice, or the controller that this test plays?
        const { body } = await api.expect('GET', '/apis/argoproj.io/v1alpha1/namespaces/of-dev/workflows');
        const workflows = (body as { items: Array<{ status?: { phase?: string } }> }).items;
        const phases = workflows.map(({ status }) => status?.phase ?? 'not picked up');
        throw new Error(
          `first run ${JSON.stringify(first)}, Workflows ${phases.join(', ') || 'none'}; runs list ended with ${run.exitCode}: ${run.stderr}`,
        );
      });
      await runSluice(['delete', '-f', file, '-n', 'of-dev'], { env: environment });
    } finally {
      stop.abort();
      await controller.stop();
      await rm(folder, { recursive: true });
    }
    expect(await dev).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('that of the cluster') as unknown });
    expect(await administered()).toEqual(untouched);
  }, 180_000);

  it('`npm run demo` works in its own namespace with the existing controller, and removes the namespace', async () => {
    const untouched = await administered();
    const demo = spawn(process.execPath, [join(repoRoot, 'dist', 'dev', 'demo.js'), '--scenes', '1'], {
      env: process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = Promise.all([text(demo.stdout), text(demo.stderr)]);
    const exited = new Promise<number | null>((resolve) => demo.once('exit', resolve));
    const namespaces = async () => {
      const { body } = await api.expect('GET', '/api/v1/namespaces');
      const { items } = body as { items: Array<Stored & { status: { phase: string } }> };
      return items.filter(({ metadata }) => metadata.name.startsWith('sluice-demo-'));
    };
    const started = await eventually(async () => (await namespaces())[0] ?? demo.exitCode ?? undefined, {
      timeoutMs: 120_000,
    });
    const controller = typeof started === 'number' ? undefined : await playController(started.metadata.name);
    expect([await exited, ...(await said)]).toEqual([0, expect.any(String), '']);
    await controller?.stop();
    // There is no controller here that would empty the namespace and let it go.
    expect((await namespaces()).map(({ status }) => status.phase)).toEqual(['Terminating']);
    expect(await administered()).toEqual(untouched);
  }, 300_000);
});

describe('with an external Temporal in SLUICE_DEV_TEMPORAL_ADDRESS', () => {
  const before = process.env['SLUICE_DEV_TEMPORAL_ADDRESS'];
  afterEach(() => {
    process.env['SLUICE_DEV_TEMPORAL_ADDRESS'] = before;
  });

  it('missing search attributes are named, and not registered', async () => {
    const bare = await startTemporal({ own: true, headless: true, searchAttributes: [] });
    const connection = await Connection.connect({ address: bare.address });
    try {
      process.env['SLUICE_DEV_TEMPORAL_ADDRESS'] = bare.address;
      await expect(startTemporal()).rejects.toThrow(/SluiceSensor.*\n.*sluice setup/);
      const known = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      expect(Object.keys(known.customAttributes ?? {}).filter((name) => name.startsWith('Sluice'))).toEqual([]);
    } finally {
      await connection.close();
      await bare.stop();
    }
  });

  it('our workers poll their own task queues, so that they get no tasks of other workers', async () => {
    const system = await startSystem();
    try {
      expect(system.environment).toMatchObject({
        SLUICE_EVENT_SOURCE_TASK_QUEUE: expect.stringContaining('sluice-dev-') as unknown,
        SLUICE_SENSOR_TASK_QUEUE: expect.stringContaining('sluice-dev-') as unknown,
      });
    } finally {
      await system.stop();
    }
  });
});
