/** The whole system on real servers: STAC API → Redis → NATS → Temporal → kube-apiserver, run by the deployed roles. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Redis from 'ioredis';
import { SluiceCommand } from '../../dev/demo/command';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import { repoRoot } from '../../dev/repo-root';
import { generateStacItems, type StacItem } from '../../dev/stac-items';
import { startSystem, type OwnSystem } from '../../dev/system';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { eventually } from '../setup/eventually';
import { deployRoles, type DeployedKubeconfigs } from '../setup/deployed-roles';

const NAMESPACE = 'water';
const CLEAR = generateStacItems().filter(({ properties }) => properties['eo:cloud_cover'] < 80);
const CLOUDY = generateStacItems().filter(({ properties }) => properties['eo:cloud_cover'] >= 80);

interface Workflow {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly workflowTemplateRef: { readonly name: string };
    readonly arguments: { readonly parameters: ReadonlyArray<{ readonly name: string; readonly value: string }> };
  };
  readonly status?: { readonly phase?: string };
}

describe('the water-bodies system', () => {
  let system: OwnSystem;
  let workers: readonly RunningWorker[] = [];
  let sluice: SluiceCommand;
  let api: ApiClient;
  let kubeconfigs: DeployedKubeconfigs;

  beforeAll(async () => {
    system = await startSystem({
      scenes: [...CLEAR, ...CLOUDY],
      workflowDurationMs: 500,
      temporalUi: false,
      own: true,
    });
    const { url, caPath, adminToken: token } = system.kubernetes;
    api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
    sluice = new SluiceCommand(system.environment);
    kubeconfigs = await deployRoles(system.kubernetes, NAMESPACE);
    workers = await startWorkers();
    await sluice.json(
      ...['apply', '-f', join(repoRoot, 'examples', 'water-bodies'), '-n', NAMESPACE, '--kubernetes', '--wait', '30s'],
    );
  }, 120_000);

  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    api?.close();
    await system?.stop();
  }, 60_000);

  /** As deployed: two processes, each with the rights of its own ServiceAccount and no others. */
  const startWorkers = (): Promise<RunningWorker[]> =>
    Promise.all([
      startWorker('event-source', { ...system.environment, KUBECONFIG: kubeconfigs.eventSource }),
      startWorker('sensor', { ...system.environment, KUBECONFIG: kubeconfigs.sensor }),
    ]);
  const publish = async (...words: readonly string[]): Promise<Array<{ id: string; href: string }>> => {
    const printed = await sluice.json(
      ...['stac', 'publish', '--api', system.stac?.url ?? '', '--collection', 'sentinel-2-l2a'],
      ...['--redis', system.redis.url, ...words],
    );
    return (printed as { items: Array<{ id: string; href: string }> }).items;
  };
  const listWorkflows = async (): Promise<Workflow[]> => {
    const { body } = await api.expect('GET', `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflows`);
    return (body as { items: Workflow[] }).items;
  };
  const scenesOf = (workflows: readonly Workflow[]): string[] =>
    workflows
      .flatMap(
        ({ spec }) =>
          JSON.parse(spec.arguments.parameters.find(({ name }) => name === 'items')?.value ?? '[]') as string[],
      )
      .sort();

  it('creates exactly one Workflow for every scene on the stream, with the scene as its parameter', async () => {
    const scenes = await publish('--stream', 'stac-items', '--form', 'flat', '--max-items', '10', '--limit', '4');
    expect(scenes).toHaveLength(10);
    const workflows = await eventually(async () => {
      const found = await listWorkflows();
      return found.length >= 10 && found.every(({ status }) => status?.phase === 'Succeeded') ? found : undefined;
    });
    expect(scenesOf(workflows)).toEqual(scenes.map(({ href }) => href).sort());
    for (const { metadata, spec } of workflows) {
      expect(metadata.name).toMatch(/^water-bodies-detection-[a-z0-9]{12}$/);
      expect(metadata.labels).toMatchObject({
        'events.argoproj.io/sensor': 'water-bodies',
        'events.argoproj.io/trigger': 'water-bodies-detection',
      });
      expect(spec.workflowTemplateRef.name).toBe('water-bodies-detection');
      expect(spec.arguments.parameters.slice(1)).toEqual([
        { name: 'aoi', value: '-121.399,39.834,-120.74,40.472' },
        { name: 'epsg', value: 'EPSG:4326' },
      ]);
    }
  });

  it('completes every run with the outcome of its Workflow', async () => {
    const runs = await eventually(async () => {
      const { runs: found } = (await sluice.json('runs', 'list', '--sensor', 'water-bodies', '-n', NAMESPACE)) as {
        runs: Array<{ state: string }>;
      };
      return found.length > 0 && found.every(({ state }) => state === 'Succeeded') ? found : undefined;
    });
    expect(runs.length).toBeGreaterThan(0);
  });

  it('creates no Workflow for scenes that a filter rejects, and records the reason', async () => {
    const before = (await listWorkflows()).length;
    const cloudy = CLOUDY.map(({ id }: StacItem) => id).sort();
    expect(cloudy.length).toBeGreaterThan(0);
    const announced = await publish('--channel', 'stac-events', '--form', 'item');
    expect(announced.map(({ id }) => id)).toEqual(expect.arrayContaining(cloudy));
    const expected = before + announced.length - cloudy.length;
    const workflows = await eventually(async () => {
      const found = await listWorkflows();
      return found.length >= expected ? found : undefined;
    });
    expect(workflows).toHaveLength(expected);
    for (const id of cloudy)
      expect(scenesOf(workflows).filter((href) => href.endsWith(`/${id}`)).length).toBeLessThanOrEqual(1);
  });

  it('neither loses nor duplicates events when the workers are killed during a burst', async () => {
    const before = await listWorkflows();
    const { redis } = system;
    const client = new Redis(redis.url);
    const count = 1_500;
    const links = Array.from({ length: count }, (_, index) => `https://catalogue.example/items/burst-${index}`);
    try {
      const pipeline = client.pipeline();
      for (const link of links) pipeline.xadd('stac-items', '*', 'subject', link, 'producer', 'test', 'href', link);
      await pipeline.exec();
      await eventually(async () => ((await listWorkflows()).length > before.length + count / 10 ? true : undefined));
      await Promise.all(workers.map((worker) => worker.kill()));
      expect((await listWorkflows()).length).toBeLessThan(before.length + count);
      workers = await startWorkers();
    } finally {
      client.disconnect();
    }
    const workflows = await eventually(
      async () => {
        const found = await listWorkflows();
        return found.length >= before.length + count ? found : undefined;
      },
      { timeoutMs: 90_000 },
    );
    const burst = scenesOf(workflows).filter((href) => href.includes('/burst-'));
    expect(burst).toEqual([...links].sort());
  }, 150_000);
});
