/** Two namespaces apply the same manifests to one NATS, as case 34 of the security cases. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { busNames, consumerName, type BusNames } from '../../src/bus/bus-names';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';
import { startHttpRecorder, type HttpRecorder } from '../setup/http-recorder';
import { freePort } from '../sources/free-port';

interface Tenant {
  readonly namespace: string;
  readonly webhook: string;
  readonly names: BusNames;
  readonly file: string;
}

describe('two namespaces with the same manifests on one NATS', () => {
  let cluster: ClusterOfOne;
  let receiver: HttpRecorder;
  let a: Tenant;
  let b: Tenant;

  beforeAll(async () => {
    [cluster, receiver] = await Promise.all([startClusterOfOne({ namesBus: true }), startHttpRecorder()]);
    await cluster.startWorkers();
    a = await apply('a', 'replicas: 1\nmaxMsgs: 4\ndiscard: 1');
    b = await apply('b', 'replicas: 1');
  });
  afterAll(async () => {
    for (const { file, namespace } of [a, b]) await cluster.sluice(['delete', '-f', file, '-n', namespace]);
    await receiver?.close();
    await cluster?.stop();
  });

  async function apply(letter: string, streamConfig: string): Promise<Tenant> {
    const namespace = `${cluster.namespace.name}-${letter}`;
    const port = await freePort();
    const file = await cluster.manifest(
      `tenant-${letter}.yaml`,
      `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstreamExotic: { url: 'nats://ignored:4222', streamConfig: ${JSON.stringify(streamConfig)} } }
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: deploys }
spec: { webhook: { pushed: { port: '${port}', endpoint: /pushed, method: POST } } }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: deploy }
spec:
  dependencies: [{ name: d, eventSourceName: deploys, eventName: pushed }]
  triggers:
    - template:
        name: post
        http:
          url: ${receiver.url}/${letter}
          method: POST
          payload: [{ src: { dependencyName: d, dataKey: body.image }, dest: image }]
`,
    );
    const { exitCode, stderr } = await cluster.sluice(['apply', '-f', file, '-n', namespace, '--wait', '60s']);
    expect([exitCode, stderr]).toEqual([0, expect.anything()]);
    const names = busNames({ temporalNamespace: 'default', namespace, bus: 'default' }, 'own');
    return { namespace, webhook: `http://127.0.0.1:${port}/pushed`, names, file };
  }

  async function post({ webhook }: Tenant, image: string, key = image): Promise<number> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    return (await fetch(webhook, { method: 'POST', headers, body: JSON.stringify({ image }) })).status;
  }
  const images = (letter: string) => receiver.requests(`/${letter}`).map(({ body }) => body['image']);

  async function delivered({ names }: Tenant): Promise<number> {
    const client = await connect({ servers: cluster.nats.url });
    try {
      const manager = await jetstreamManager(client);
      const { delivered: last } = await manager.consumers.info(names.events.stream, consumerName(names, 'deploy'));
      return last.consumer_seq;
    } finally {
      await client.close();
    }
  }

  it('isolate consumers, and keep events of one Idempotency-Key apart', async () => {
    const before = await delivered(b);
    expect(await post(a, 'of-a', 'order-1')).toBe(200);
    await eventually(() => images('a').includes('of-a'));
    expect(await delivered(b)).toBe(before);
    expect(await post(b, 'of-b', 'order-1')).toBe(200);
    await eventually(() => images('b').includes('of-b'));
    expect([images('a'), images('b')]).toEqual([['of-a'], ['of-b']]);
    // The same key once more is a repetition for its own tenant.
    expect(await post(a, 'of-a-again', 'order-1')).toBe(200);
    expect(images('a')).toEqual(['of-a']);
  });

  it('show only their own decisions of an event with the same key', async () => {
    const keysOf = async ({ namespace }: Tenant): Promise<string[]> => {
      const run = await cluster.sluice(['events', '-n', namespace, '-o', 'json', '--sensor', 'deploy']);
      const { decisions } = jsonOf<{ decisions: Array<{ namespace: string; eventKey: string }> }>(run);
      return decisions.map((decision) => `${decision.namespace} ${decision.eventKey}`);
    };
    for (const tenant of [a, b]) {
      const keys = await eventually(async () => {
        const found = await keysOf(tenant);
        return found.length > 0 && found;
      });
      expect(new Set(keys)).toEqual(new Set([`${tenant.namespace} deploys/pushed:order-1`]));
    }
  });

  it("do not block each other's sources while the stream of one is full", async () => {
    for (let number = 1; number <= 3; number += 1) expect(await post(a, `fill-${number}`)).toBe(200);
    expect(await post(a, 'one-too-many')).toBe(500);
    for (let number = 1; number <= 10; number += 1) expect(await post(b, `free-${number}`)).toBe(200);
    await eventually(() => images('b').length === 11);
    expect(images('a')).not.toContain('one-too-many');
  });
});
