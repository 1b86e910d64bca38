import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { scrape, valueOf } from '../metrics/read-metrics';
import { eventually } from '../setup/eventually';

/** The worker looks every five seconds. */

describe('a worker with SLUICE_MANIFESTS', () => {
  let cluster: ClusterOfOne;
  let folder: string;
  let worker: RunningWorker;

  beforeAll(async () => {
    cluster = await startClusterOfOne();
    folder = await mkdtemp(join(tmpdir(), 'sluice-mounted-'));
  });
  afterAll(async () => {
    await worker?.stop();
    await cluster?.stop();
    await rm(folder, { recursive: true });
  });

  const manifests = (trigger: string): string => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstreamExotic: { url: '${cluster.nats.url}', streamConfig: 'maxAge: 1h' } }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { ${trigger} } }]
`;

  /** As the kubelet changes a mounted ConfigMap: a new folder, and a link that is turned round to it. */
  async function mount(version: string, text: string): Promise<void> {
    await mkdir(join(folder, `..${version}`));
    await writeFile(join(folder, `..${version}`, 'all.yaml'), text);
    await symlink(`..${version}`, join(folder, '..next'));
    await rename(join(folder, '..next'), join(folder, '..data'));
    await symlink(join('..data', 'all.yaml'), join(folder, 'all.yaml')).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }

  const applied = async (): Promise<string[]> => {
    const run = await cluster.sluice(['list', '-n', cluster.namespace.name, '-o', 'json']);
    const { objects } = jsonOf<{ objects: Array<{ kind: string; name: string; state: string }> }>(run);
    return objects.map(({ kind, name, state }) => `${kind}/${name} ${state}`);
  };
  const logged = async (text: string): Promise<true | undefined> =>
    (await readFile(worker.logPath, 'utf8')).includes(text) || undefined;

  const isApplied = async (): Promise<number | undefined> =>
    valueOf(await scrape(worker.metricsUrl), 'sluice_manifests_applied');

  it('reports their problems and applies nothing, then applies them once they are valid', async () => {
    await mount('first', manifests('name: note, logg: {}'));
    worker = await startWorker('all-in-one', { ...cluster.environment, SLUICE_MANIFESTS: folder });
    await eventually(() => logged('spec.triggers[0].template.logg'));
    expect(await applied()).toEqual([]);
    await eventually(async () => (await isApplied()) === 0);
    await mount('second', manifests('name: note, log: {}'));
    await eventually(async () => (await applied()).join() === 'EventBus/default Ready,Sensor/scenes Ready');
    await eventually(async () => (await isApplied()) === 1);
  }, 120_000);

  it('updates applied objects when they change', async () => {
    await mount('third', manifests('name: announce, log: {}'));
    await eventually(async () => {
      const run = await cluster.sluice(['status', 'sensor/scenes', '-n', cluster.namespace.name, '-o', 'json']);
      const { triggers } = jsonOf<{ triggers: Array<{ name: string }> }>(run);
      return triggers.map(({ name }) => name).join() === 'announce';
    });
  }, 120_000);
});
