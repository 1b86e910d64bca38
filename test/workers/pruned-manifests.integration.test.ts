import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { keepManifestsApplied } from '../../workers/keep-manifests-applied';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';

const sensor = (name: string): string => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: ${name} }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: note, log: {} } }]
`;

describe('a folder of SLUICE_MANIFESTS with SLUICE_MANIFESTS_PRUNE', () => {
  const before = { ...process.env };
  const ending = new AbortController();
  let cluster: ClusterOfOne;
  let folder: string;
  let kept: Promise<void> | undefined;
  let logged = '';

  const write = (...documents: readonly string[]): Promise<void> =>
    writeFile(join(folder, 'all.yaml'), documents.join('---\n'));
  const applied = async (): Promise<string> => {
    const run = await cluster.sluice(['list', '-n', cluster.namespace.name, '-o', 'json']);
    const { objects } = jsonOf<{ objects: Array<{ kind: string; name: string }> }>(run);
    return objects.map(({ kind, name }) => `${kind}/${name}`).join();
  };

  beforeAll(async () => {
    cluster = await startClusterOfOne();
    await cluster.startWorkers();
    Object.assign(process.env, cluster.environment);
    folder = await mkdtemp(join(tmpdir(), 'sluice-pruned-'));
    await write(cluster.busDocument, sensor('kept'), sensor('removed'));
    const log = pino({}, { write: (line: string) => void (logged += line) });
    const options = { path: folder, prunedAs: cluster.namespace.name, pruneAfterMs: 1_000 };
    kept = keepManifestsApplied(options, { log, metrics: { set: () => undefined } }, ending.signal);
    await eventually(async () => (await applied()) === 'EventBus/default,Sensor/kept,Sensor/removed');
    await cluster.sluice(['apply', '-f', await cluster.manifest('own.yaml', sensor('of-a-person'))]);
  });
  afterAll(async () => {
    ending.abort();
    await kept;
    process.env = before;
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('deletes an object that is removed from the folder, and none that a person applied', async () => {
    await write(cluster.busDocument, sensor('kept'));
    await eventually(async () => (await applied()) === 'EventBus/default,Sensor/kept,Sensor/of-a-person');
  });

  it('keeps a bus that others use, says so, and deletes it when they are gone', async () => {
    await write(sensor('kept').replace('spec:', "spec:\n  eventBusName: 'default'"));
    await eventually(() => Promise.resolve(logged.includes('is still used')), { timeoutMs: 180_000 });
    expect(await applied()).toContain('EventBus/default');
    await write(cluster.busDocument, sensor('kept'));
  });

  it('deletes nothing while the folder is faulty or empty', async () => {
    await write(cluster.busDocument, 'kind: Sensor\n');
    await eventually(() => Promise.resolve(logged.includes('manifests are not applied yet')));
    await rm(join(folder, 'all.yaml'));
    await eventually(() => Promise.resolve(logged.includes('nothing is deleted')));
    expect(await applied()).toBe('EventBus/default,Sensor/kept,Sensor/of-a-person');
  });

  it('leaves an object to the person who applied it since', async () => {
    await cluster.sluice(['apply', '-f', await cluster.manifest('taken.yaml', sensor('kept'))]);
    await write(cluster.busDocument, sensor('next'));
    await eventually(async () => (await applied()).includes('Sensor/next'));
    const looks = logged.length;
    await write(cluster.busDocument, sensor('last'));
    await eventually(async () => (await applied()) === 'EventBus/default,Sensor/kept,Sensor/last,Sensor/of-a-person');
    expect(logged.length).toBeGreaterThan(looks);
  });
});
