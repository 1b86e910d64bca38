import { randomUUID } from 'node:crypto';
import { createFieldMatcher } from '../../activities/relay/match-texts';
import type { JsonObject } from '../../src/event/json';
import { createExpressionEngine } from '../../src/expressions';
import type { KubernetesAccess } from '../../src/kubernetes/access';
import type { KubernetesClient, KubernetesRequest } from '../../src/kubernetes/client';
import { createRefusal } from '../../src/kubernetes/refusal';
import { resourceSource } from '../../src/sources/resource';
import type { ResourceOptions } from '../../src/sources/resource-filter';
import type { Delivery, PositionStore, ReceivedEvent, SourceContext } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { readSource, type SourceReading } from './read-source';

const CONFIG_MAPS = { version: 'v1', resource: 'configmaps' } as const;

describeSourceContract<ResourceOptions>({
  factory: resourceSource,
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: false },
  async start() {
    const cluster = await openClusterFixture('resource');
    return {
      spec: { ...CONFIG_MAPS, namespace: cluster.namespace, eventTypes: ['ADD'] },
      kubernetes: cluster.access,
      async send(text) {
        const metadata = { name: `message-${randomUUID()}` };
        await cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text } });
      },
      textOf: ({ data }) => (data as { body: { data: { text: string } } }).body.data.text,
      stop: () => cluster.close(),
    };
  },
});

describe('event source resource', () => {
  let cluster: ClusterFixture;
  let position: PositionStore & { stored: JsonObject | undefined };
  const open: SourceReading[] = [];
  const engine = createExpressionEngine();

  beforeAll(async () => {
    cluster = await openClusterFixture('resource');
  });
  afterAll(async () => {
    await cluster?.close();
    await engine.close();
  });
  beforeEach(() => {
    position = {
      stored: undefined,
      read: () => Promise.resolve(position.stored),
      write: (value) => {
        position.stored = value;
        return Promise.resolve();
      },
    };
  });
  afterEach(() => Promise.all(open.splice(0).map((reading) => reading.stop())));

  /** Takes everything as if the bus had it. */
  async function read(spec: Partial<ResourceOptions>, overrides: Partial<SourceContext> = {}) {
    const options: ResourceOptions = {
      ...CONFIG_MAPS,
      namespace: cluster.namespace,
      eventTypes: ['ADD', 'UPDATE', 'DELETE'],
      ...spec,
    };
    const context = { position, kubernetes: cluster.access, matchField: createFieldMatcher(engine), ...overrides };
    const reading = readSource(resourceSource, options, context);
    open.push(reading);
    const events: ReceivedEvent[] = [];
    const taking = (async () => {
      for (;;) {
        const delivery: Delivery = await reading.next();
        events.push(...delivery.events);
        await delivery.acknowledge({ rejected: [] });
      }
    })();
    taking.catch(() => undefined);
    await eventually(() => reading.source.status().connected);
    return { ...reading, events };
  }

  const summary = (events: readonly ReceivedEvent[]) =>
    events.map(({ data }) => {
      const { type, body } = data as { type: string; body: { metadata: { name: string } } };
      return `${type} ${body.metadata.name}`;
    });
  /** Labelled, so that tests do not see each other's objects. */
  const create = (name: string, test: string, data: Record<string, string> = {}) =>
    cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { test } }, data });
  const of = (test: string) => ({ labels: [{ key: 'test', value: test }] });

  it('gives changes the payload of Argo Events', async () => {
    const { events } = await read({ filter: of('payload'), metadata: { team: 'eo' } });
    const added = await create('payload', 'payload');
    const updated = await cluster.patch('configmaps', 'payload', { data: { a: 'b' } }, 'v1');
    await cluster.remove('configmaps', 'payload', 'v1');
    await eventually(() => events.length === 3);
    const common = { group: '', version: 'v1', resource: 'configmaps', metadata: { team: 'eo' } };
    expect(events.map(({ data }) => data)).toMatchObject([
      { type: 'ADD', body: { ...added }, oldBody: null, ...common },
      { type: 'UPDATE', body: { ...updated }, oldBody: { ...added }, ...common },
      { type: 'DELETE', body: { data: { a: 'b' } }, oldBody: null, ...common },
    ]);
    const { uid, resourceVersion } = updated.metadata;
    expect(events.map(({ transportId }) => transportId)).toEqual([
      `${uid}:ADD`,
      `${uid}:UPDATE:${resourceVersion}`,
      `${uid}:DELETE`,
    ]);
  });

  it('reports only the types that the manifest lists', async () => {
    const { events } = await read({ filter: of('types'), eventTypes: ['DELETE'] });
    await create('types', 'types');
    await cluster.remove('configmaps', 'types', 'v1');
    await eventually(() => events.length > 0);
    expect(summary(events)).toEqual(['DELETE types']);
  });

  it('repeats nothing after a restart, and reports what happened meanwhile with its former state', async () => {
    await create('kept', 'restart');
    await create('changed', 'restart', { a: '1' });
    await create('removed', 'restart', { b: '2' });
    const before = await read({ filter: of('restart') });
    await eventually(() => before.events.length === 3);
    await before.stop();
    await cluster.patch('configmaps', 'changed', { data: { a: '2' } }, 'v1');
    await cluster.remove('configmaps', 'removed', 'v1');
    await create('new', 'restart');
    const { events } = await read({ filter: of('restart') });
    await eventually(() => events.length === 3);
    expect(summary(events)).toEqual(['UPDATE changed', 'DELETE removed', 'ADD new']);
    expect(events[0]?.data).toMatchObject({ body: { data: { a: '2' } }, oldBody: { data: { a: '1' } } });
    expect(events[1]?.data).toMatchObject({ body: { data: { b: '2' } } });
  });

  it('compares with its position if the API server has forgotten that version', async () => {
    await create('still-there', 'gone');
    await create('will-change', 'gone');
    await create('will-go', 'gone');
    const before = await read({ filter: of('gone') });
    await eventually(() => before.events.length === 3);
    await before.stop();
    await cluster.patch('configmaps', 'will-change', { data: { a: '2' } }, 'v1');
    await cluster.remove('configmaps', 'will-go', 'v1');
    await create('came', 'gone');
    const { events } = await read({ filter: of('gone') }, { kubernetes: await forgetful(cluster.access) });
    await eventually(() => events.length === 3);
    expect(summary(events).sort()).toEqual(['ADD came', 'DELETE will-go', 'UPDATE will-change']);
    expect(events.find(({ data }) => (data as { type: string }).type === 'UPDATE')?.data).toMatchObject({
      oldBody: null,
    });
  });

  it('ignores what exists already if it starts with what is new', async () => {
    await create('old', 'new-only');
    const { events } = await read({ filter: of('new-only') }, { startFrom: { kind: 'new' } });
    await create('recent', 'new-only');
    await eventually(() => events.length > 0);
    expect(summary(events)).toEqual(['ADD recent']);
  });

  it('selects by prefix, labels and fields, as Go matches them', async () => {
    const { events } = await read({
      eventTypes: ['ADD'],
      filter: {
        prefix: 'scene-',
        labels: [
          { key: 'test', operation: 'in', value: 'filter,other' },
          { key: 'absent', operation: '!' },
        ],
        fields: [
          { key: 'data.platform', value: '(?i)^SENTINEL-2' },
          { key: 'data.level', operation: '!=', value: '^1' },
        ],
      },
    });
    const wanted = { platform: 'sentinel-2a', level: '2A' };
    await create('tile-1', 'filter', wanted);
    await create('scene-2', 'filter', { ...wanted, level: '1C' });
    await create('scene-3', 'filter', { platform: 'landsat-9', level: '2A' });
    await create('scene-4', 'filter', { platform: 'sentinel-2a' });
    await create('scene-5', 'elsewhere', wanted);
    await create('scene-6', 'filter', wanted);
    await eventually(() => events.length > 0);
    expect(summary(events)).toEqual(['ADD scene-6']);
  });

  it('selects by the time of creation', async () => {
    const { events: none } = await read({ filter: { ...of('time'), createdBy: '2020-01-01T00:00:00Z' } });
    position.stored = undefined;
    const { events } = await read({ filter: { ...of('time'), createdBy: '2120-01-01T00:00:00Z', afterStart: true } });
    await create('timed', 'time');
    await eventually(() => events.length > 0);
    expect(summary(events)).toEqual(['ADD timed']);
    expect(none).toEqual([]);
  });

  it.each<[string, Partial<ResourceOptions>]>([
    ['a resource that does not exist', { resource: 'unicorns' }],
    ['Secrets', { resource: 'secrets' }],
    ['Secrets of another namespace', { namespace: '', resource: 'namespaces/kube-system/secrets' }],
    ['Secrets by a query', { resource: 'secrets?' }],
    ['Secrets by a slash', { resource: 'secrets/' }],
    ['one Secret', { resource: 'secrets/sluice-temporal' }],
    ['Secrets by a path upwards', { resource: 'pods/../secrets' }],
    ['Secrets in encoded letters', { resource: '%73ecrets' }],
    ['an unknown operation', { filter: { fields: [{ key: 'a', operation: '~', value: 'b' }] } }],
  ])('ends with an error for the operator on %s', async (_what, wrong) => {
    const spec: ResourceOptions = { ...CONFIG_MAPS, namespace: cluster.namespace, eventTypes: ['ADD'], ...wrong };
    const source = createSource(resourceSource, { spec, kubernetes: cluster.access });
    for (const attempt of [() => source.check(), () => source.deliveries()[Symbol.asyncIterator]().next()]) {
      expect((await failureOf(attempt())).code).toBe('EVENT_SOURCE_MISCONFIGURED');
    }
  });
});

/** The API server has compacted every version that a client may resume from; lists are of now. */
async function forgetful(access: KubernetesAccess): Promise<SourceContext['kubernetes']> {
  const opened = await access.open();
  const gone = (path: string): never => {
    throw createRefusal(`GET ${path}`, 410, undefined, JSON.stringify({ reason: 'Expired', message: 'too old' }));
  };
  let hasForgotten = false;
  const client = new Proxy(opened.client, {
    get(target, name: keyof KubernetesClient) {
      if (name === 'request') {
        return (request: KubernetesRequest) =>
          request.query?.['resourceVersionMatch'] === undefined ? target.request(request) : gone(request.path);
      }
      if (name === 'lines' && !hasForgotten) {
        hasForgotten = true;
        return (request: KubernetesRequest) => gone(request.path);
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { open: () => Promise.resolve({ ...opened, client }) };
}
