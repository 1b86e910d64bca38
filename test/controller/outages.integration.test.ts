/** The controller while the API server or Temporal is away: it is behind networks that can be cut. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTcpProxy, type TcpProxy } from '../faults/tcp-proxy';
import { eventually } from '../setup/eventually';
import { startControlledNamespace, type ControlledNamespace } from './controlled-namespace';

jest.setTimeout(240_000);

describe('the controller in an outage', () => {
  let cluster: ControlledNamespace;
  let api: TcpProxy;
  let temporal: TcpProxy;
  let folder: string;

  beforeAll(async () => {
    cluster = await startControlledNamespace();
    const { kubernetes, environment } = cluster;
    api = await startTcpProxy(Number(new URL(kubernetes.url).port));
    temporal = await startTcpProxy(Number(environment['TEMPORAL_ADDRESS']?.split(':').at(-1)));
    folder = await mkdtemp(join(tmpdir(), 'sluice-outages-'));
    const kubeconfig = join(folder, 'kubeconfig');
    const direct = await readFile(cluster.controllerKubeconfig, 'utf8');
    await writeFile(kubeconfig, direct.replace(kubernetes.url, `https://127.0.0.1:${api.port}`));
    await cluster.startWorkers();
    await cluster.startController({ KUBECONFIG: kubeconfig, TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}` });
    await cluster.put(bus());
    await cluster.put(sensor('early'));
    await eventually(isReady('early'));
  });
  afterAll(async () => {
    api?.heal();
    temporal?.heal();
    await cluster?.stop();
    await Promise.all([api?.close(), temporal?.close()]);
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  const meta = (name: string): string => `metadata: { name: ${name}, namespace: ${cluster.namespace.name} }`;
  const bus = (): string => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
${meta('default')}
spec: { jetstreamExotic: { url: '${cluster.nats.url}' } }
`;
  const sensor = (name: string): string => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
${meta(name)}
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: make, log: {} } }]
`;
  const isReady = (name: string) => async (): Promise<boolean> =>
    (await cluster.conditions('Sensor', name))['Ready'] === 'True: Ready';

  it('applies and deletes what changed in the cluster while it could not reach the API server', async () => {
    api.cut();
    await cluster.put(sensor('meanwhile'));
    await cluster.remove('Sensor', 'early');
    expect(await cluster.listed()).toContain('Sensor/early Ready');
    api.heal();
    await eventually(isReady('meanwhile'), { timeoutMs: 120_000 });
    await eventually(async () => !(await cluster.listed()).join().includes('Sensor/early'), { timeoutMs: 120_000 });
  });

  it('applies what changed while Temporal was away', async () => {
    temporal.cut();
    await cluster.put(sensor('later'));
    expect(await cluster.listed()).not.toContain('Sensor/later Ready');
    temporal.heal();
    await eventually(isReady('later'), { timeoutMs: 180_000 });
    expect(await cluster.listed()).toContain('Sensor/meanwhile Ready');
  });
});
