import { startNats, type RunningNats } from '../../dev/servers';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { bucketStream, bucketName, busNames } from '../../src/bus/bus-names';
import { jsonOf, runSluice } from './run-cli-for-test';

const bus = (url: string, annotations = '{}') => `
apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default, annotations: ${annotations} }
spec: { jetstreamExotic: { url: '${url}', streamConfig: 'replicas: 1' } }
`;
const OWN = '{ sluice.io/stream: own }';
const names = busNames({ temporalNamespace: 'staging', namespace: 'tenant-a', bus: 'default' }, 'own');
const TENANT = ['-n', 'tenant-a', '--temporal-namespace', 'staging'];

describe('sluice bus prepare', () => {
  let nats: RunningNats;
  beforeAll(async () => {
    nats = await startNats({ own: true });
  });
  afterAll(() => nats?.stop());

  async function streams(): Promise<string[]> {
    const client = await connect({ servers: nats.url });
    const found: string[] = [];
    for await (const { config } of (await jetstreamManager(client)).streams.list()) found.push(config.name);
    await client.close();
    return found.sort();
  }

  it('creates the streams and buckets of the tenant, and shows its permissions', async () => {
    for (let time = 0; time < 2; time += 1) {
      const run = await runSluice(['bus', 'prepare', '-f', '-', ...TENANT], { stdin: bus(nats.url, OWN) });
      expect([run.exitCode, run.stderr]).toEqual([0, '']);
      expect(run.stdout).toContain('# tenant-a/default\npermissions: {');
      expect(run.stdout).toContain(`"sluice.${names.tenant}.>"`);
    }
    const buckets = (['positions', 'rate-limits'] as const).map((purpose) => bucketStream(bucketName(names, purpose)));
    const expected = [names.events, names.decisions, names.held].map(({ stream }) => stream);
    expect(await streams()).toEqual([...expected, ...buckets].sort());
  });

  it('shows permissions without a server', async () => {
    const argv = ['bus', 'prepare', '-f', '-', ...TENANT, '--permissions-only', '-o', 'json'];
    const run = await runSluice(argv, { stdin: bus('nats://127.0.0.1:1', OWN) });
    expect(jsonOf(run)).toMatchObject({
      buses: [
        {
          ...{ bus: 'tenant-a/default', temporalNamespace: 'staging', tenant: names.tenant },
          permissions: { subscribe: [`_INBOX.${names.tenant}.>`] },
        },
      ],
    });
  });

  it.each([
    [
      'a bus that shares the stream of Argo Events',
      bus('nats://127.0.0.1:1'),
      /sluice.io\/stream: own.*\[BUS_MISCONFIGURED\]/s,
    ],
    ['files without an EventBus', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n', /\[USAGE\]/],
  ])('rejects %s', async (_, stdin, expected) => {
    const run = await runSluice(['bus', 'prepare', '-f', '-', ...TENANT], { stdin });
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toMatch(expected);
  });
});
