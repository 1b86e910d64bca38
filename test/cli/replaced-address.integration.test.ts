import { eventually } from '../setup/eventually';
import { startClusterOfOne, type ClusterOfOne } from './cluster-of-one';
import { jsonOf } from './run-cli-for-test';

describe('an EventBus whose workers have SLUICE_BUS_URL', () => {
  let cluster: ClusterOfOne;
  beforeAll(async () => {
    cluster = await startClusterOfOne();
    const url = cluster.nats.url.replace('nats://', 'nats://ada:secret@');
    await cluster.startWorkers({ SLUICE_BUS_URL: url });
  });
  afterAll(() => cluster?.stop());

  const apply = async (document: string) => {
    const file = await cluster.manifest('bus.yaml', document);
    expect((await cluster.sluice(['apply', '-f', file])).exitCode).toBe(0);
  };
  const reasonOf = async (): Promise<string | undefined> => {
    const run = await cluster.sluice(['list', 'buses', '-n', cluster.namespace.name, '-o', 'json']);
    return jsonOf<{ readonly objects: ReadonlyArray<{ readonly reason?: string }> }>(run).objects[0]?.reason;
  };

  it('is shown with the address that replaces the one of its manifest, without the password', async () => {
    await apply(cluster.busDocument.replace(cluster.nats.url, 'nats://wrong:4222'));
    // A worker says so with its first sign of life.
    await eventually(async () => (await reasonOf()) !== undefined);
    const sentence = `its address nats://wrong:4222 is not used: SLUICE_BUS_URL of the workers replaces it by ${cluster.nats.url}`;
    expect(await reasonOf()).toBe(sentence);
    const status = await cluster.sluice(['status', 'bus/default']);
    expect(status.stdout).toContain(`default: Ready: ${sentence}`);
    expect(status.exitCode).toBe(0);
  });

  it('is shown without a remark if both are the same', async () => {
    await apply(cluster.busDocument);
    expect(await reasonOf()).toBeUndefined();
  });
});
