import type { JsonObject } from '../../src/event/json';
import { readJson } from '../../src/event/json-text';
import { toWorkingCopy, writeExactly } from '../../src/yaml/exact-numbers';
import type { KubernetesAccess } from '../../src/kubernetes/access';
import type { K8sTriggerTemplate } from '../../src/manifest/triggers/kubernetes';
import { k8sTrigger } from '../../src/triggers/k8s';
import type { FireRequest, FireResult, Trigger } from '../../src/triggers/trigger';
import { ARGO, openClusterFixture, sceneEvent, type ClusterFixture } from '../kubernetes/cluster-fixture';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { describeObjectContract } from './object-contract';
import { createFire, dependenciesFor, type FireFields } from './object-fire';

describeObjectContract(k8sTrigger, { source: {} });

let fixture: ClusterFixture;
let trigger: Trigger<K8sTriggerTemplate>;
const CREATE: K8sTriggerTemplate = { source: {} };

beforeAll(async () => {
  fixture = await openClusterFixture('k8s-trigger');
  trigger = k8sTrigger.create(dependenciesFor(fixture.access));
});
afterAll(async () => {
  await trigger.close();
  await fixture.close();
});

const configMap = (name: string, data: JsonObject = {}, labels: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});
const workflow = (metadata: JsonObject, value: JsonObject[string] = 'x'): JsonObject => ({
  apiVersion: ARGO,
  kind: 'Workflow',
  metadata,
  spec: { workflowTemplateRef: { name: 'detect' }, arguments: { parameters: [{ name: 'items', value }] } },
});

function fire(resource: JsonObject, fields: Partial<FireFields<K8sTriggerTemplate>> = {}): Promise<FireResult> {
  return trigger.fire(createFire(fixture.namespace, resource, { template: CREATE, ...fields }));
}
function objectOf(result: FireResult) {
  if (result.kind !== 'object') throw new Error('expected an object');
  return result.object;
}

describe('k8s trigger: create', () => {
  it('labels and annotates the object with sensor, trigger, fire and events', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const events = { scene: sceneEvent('s-1', { traceparent }), other: sceneEvent('s-2') };
    const result = await fire(workflow({ generateName: 'marks-', annotations: { mine: 'kept' } }), { events });
    const { name } = objectOf(result);
    const { metadata } = await fixture.read('workflows', name);
    expect(metadata.labels).toMatchObject({
      'events.argoproj.io/sensor': 'water-bodies',
      'events.argoproj.io/trigger': 'detect',
      'events.argoproj.io/action-timestamp': expect.stringMatching(/^\d{13}$/) as string,
    });
    expect(metadata.annotations).toEqual({
      mine: 'kept',
      'sluice.io/fire-id': 'fire-1',
      'sluice.io/event-ids': '["stac/s-1","stac/s-2"]',
      traceparent,
    });
    expect(metadata.generateName).toBe('marks-');
  });

  it('creates one object for one fire, however often the fire is attempted', async () => {
    const attempt = () => fire(workflow({ generateName: 'once-' }), { fireId: 'fire-once' });
    const results = await Promise.all([attempt(), attempt(), attempt()]);
    const names = new Set(results.map((result) => objectOf(result).uid));
    expect(names.size).toBe(1);
    const existed = results.map((result) => result.kind === 'object' && result.existed);
    expect(existed.filter((value) => !value)).toHaveLength(1);
    const all = await fixture.list('workflows');
    expect(all.filter(({ metadata }) => metadata.generateName === 'once-')).toHaveLength(1);
  });

  it('creates another object for another fire of the same trigger', async () => {
    const first = await fire(workflow({ generateName: 'two-' }), { fireId: 'fire-a' });
    const second = await fire(workflow({ generateName: 'two-' }), { fireId: 'fire-b' });
    expect(objectOf(first).name).not.toBe(objectOf(second).name);
  });

  it('sends exactly one request once the kind is known', async () => {
    await fire(workflow({ generateName: 'known-' }), { fireId: 'known' });
    const sent: string[] = [];
    const { client, ...others } = fixture.cluster;
    const counting: KubernetesAccess = {
      open: () =>
        Promise.resolve({
          ...others,
          client: new Proxy(client, {
            get(target, property) {
              if (property !== 'request') return Reflect.get(target, property) as unknown;
              return (request: Parameters<typeof client.request>[0]) => {
                sent.push(request.method);
                return target.request(request);
              };
            },
          }),
        }),
      close: () => undefined,
    };
    const counted = k8sTrigger.create(dependenciesFor(counting));
    await counted.fire(createFire(fixture.namespace, workflow({ generateName: 'one-post-' }), { template: CREATE }));
    expect(sent).toEqual(['POST']);
  });

  it('keeps an explicit name and does not take over a foreign object', async () => {
    await fixture.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'taken' } });
    const error = await failureOf(fire(configMap('taken')));
    expect(error).toMatchObject({ code: 'TRIGGER_OBJECT_EXISTS', retryable: false });
    expect(error.message).toContain('taken');
  });

  it('names the other fire of an existing object', async () => {
    await fire(configMap('of-a-fire'), { fireId: 'fire-x' });
    const error = await failureOf(fire(configMap('of-a-fire'), { fireId: 'fire-y' }));
    expect(error.code).toBe('TRIGGER_OBJECT_EXISTS');
    expect(error.context).toMatchObject({ createdBy: 'fire-x' });
  });

  it('writes parameter values of Workflows as strings, as the full definition requires', async () => {
    const cases: [JsonObject[string], string][] = [
      [3, '3'],
      [1.5, '1.5'],
      [true, 'true'],
      ['text', 'text'],
      [['a', 'b'], '["a","b"]'],
      [12345678, '12345678'],
    ];
    for (const [index, [value, expected]] of cases.entries()) {
      const result = await fire(workflow({ generateName: 'text-' }, value), { fireId: `text-${index}` });
      const created = await fixture.read('workflows', objectOf(result).name);
      expect(created.spec).toMatchObject({ arguments: { parameters: [{ name: 'items', value: expected }] } });
    }
  });

  it('creates objects without a namespace in that of the Sensor, and discovers plurals and cluster scope', async () => {
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'np' },
      spec: { podSelector: {} },
    };
    expect(objectOf(await fire(policy)).namespace).toBe(fixture.namespace);
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: fixture.namespace },
      rules: [],
    };
    expect(objectOf(await fire(role)).namespace).toBeUndefined();
    await fire(role, { template: { source: {}, operation: 'delete' } });
  });

  it('lists the kinds of the server if it lacks one', async () => {
    const error = await failureOf(fire({ apiVersion: ARGO, kind: 'Workfow', metadata: { name: 'x' } }));
    expect(error).toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: false });
    expect(error.message).toContain('WorkflowTemplate');
  });

  it('finds a kind whose definition was installed after the first request', async () => {
    const plural = `ponds`;
    const group = `${fixture.namespace}.example.com`;
    const pond = { apiVersion: `${group}/v1`, kind: 'Pond', metadata: { name: 'p' } };
    expect((await failureOf(fire(pond))).code).toBe('KUBERNETES_REFUSED');
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, singular: 'pond', kind: 'Pond', listKind: 'PondList' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    await fire(definition, { fireId: 'crd' });
    await eventually(async () => objectOf(await fire(pond)).uid !== '');
    await fire(definition, { template: { source: {}, operation: 'delete' } });
  });

  it.each([
    [
      'an object that the server finds invalid',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'Bad_Name' } },
      422,
    ],
    [
      'a namespace that does not exist',
      { ...configMap('a'), metadata: { name: 'a', namespace: 'nowhere-at-all' } },
      404,
    ],
  ])('parks %s', async (_what, resource, status) => {
    const error = await failureOf(fire(resource));
    expect(error).toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: false, context: { status } });
  });

  it('rejects a resource without a name', async () => {
    expect((await failureOf(fire({ apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }))).code).toBe('TRIGGER_REFUSED');
  });
});

describe('k8s trigger: update, patch and delete', () => {
  const update: K8sTriggerTemplate = { source: {}, operation: 'update' };
  const patch = (patchStrategy?: K8sTriggerTemplate['patchStrategy']): K8sTriggerTemplate => ({
    source: {},
    operation: 'patch',
    patchStrategy,
  });

  it('merges an update into the object, as Argo Events does: replaces by empty values and null, keeps the rest', async () => {
    await fixture.create({
      apiVersion: ARGO,
      kind: 'WorkflowTemplate',
      metadata: { name: 'merged' },
      spec: {
        ...{ entrypoint: 'main', suspend: true, list: [1, 2], nested: { a: 1, b: 2 } },
        ...{ text: 'x', items: [1], gone: { c: 1 } },
      },
    });
    const wanted = {
      apiVersion: ARGO,
      kind: 'WorkflowTemplate',
      metadata: { name: 'merged' },
      spec: { suspend: false, list: [3], nested: { b: 0 }, text: '', items: [], gone: null },
    };
    const result = await fire(wanted, { template: update });
    expect(result).toMatchObject({ action: 'update' });
    const { spec } = await fixture.read('workflowtemplates', 'merged');
    expect(spec).toEqual({
      ...{ entrypoint: 'main', suspend: false, list: [3], nested: { a: 1, b: 0 } },
      ...{ text: '', items: [], gone: null },
    });
  });

  it('creates and updates with integers beyond double precision, and keeps existing ones', async () => {
    const template = (spec: string): JsonObject => {
      const metadata = '{"name":"exact"}';
      const text = `{"apiVersion":"${ARGO}","kind":"WorkflowTemplate","metadata":${metadata},"spec":${spec}}`;
      return toWorkingCopy(readJson(text)) as JsonObject;
    };
    await fire(template('{"created":9007199254740993,"list":[-9223372036854775808]}'));
    await fire(template('{"updated":1719849600123456789}'), { template: update });
    const { spec } = await fixture.cluster.client.request<JsonObject>({
      method: 'GET',
      path: `/apis/${ARGO}/namespaces/${fixture.namespace}/workflowtemplates/exact`,
      keepsNumbers: true,
    });
    expect(writeExactly(spec)).toBe(
      '{"created":9007199254740993,"list":[-9223372036854775808],"updated":1719849600123456789}',
    );
  });

  it.each([['update', update] as const, ['patch', patch()] as const])(
    'creates the object that %s does not find',
    async (operation, template) => {
      const result = await fire(configMap(`new-by-${operation}`, { a: '1' }), { template });
      expect(result).toMatchObject({ action: 'create' });
      expect((await fixture.read('configmaps', `new-by-${operation}`, 'v1')).data).toEqual({ a: '1' });
    },
  );

  it('applies parameters to the live object with liveObject, and writes it back whole', async () => {
    await fixture.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'live' }, data: { a: '1', b: '2' } });
    const template: K8sTriggerTemplate = {
      source: {
        resource: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'live', namespace: fixture.namespace } },
      },
      operation: 'update',
      liveObject: true,
    };
    const request = createFire(fixture.namespace, {}, { template }) satisfies FireRequest<K8sTriggerTemplate>;
    const live = await trigger.fetchResource?.(request);
    if (!live) throw new Error('expected an object');
    expect(live).toMatchObject({ data: { a: '1', b: '2' } });
    await fire({ ...live, data: { a: 'changed' } }, { template });
    expect((await fixture.read('configmaps', 'live', 'v1')).data).toEqual({ a: 'changed' });
    // The object has changed since it was fetched: another attempt starts from what it is now.
    expect(await failureOf(fire({ ...live, data: {} }, { template }))).toMatchObject({
      code: 'TRIGGER_CONFLICT',
      retryable: true,
    });
  });

  it.each([
    ['merge by default', undefined, { data: { a: 'new', b: null } }, { a: 'new' }],
    ['strategic merge', 'application/strategic-merge-patch+json', { data: { c: '3' } }, { a: '1', b: '2', c: '3' }],
    ['server-side apply', 'application/apply-patch+yaml', { data: { a: 'mine' } }, { a: 'mine', b: '2' }],
    ['JSON patch', 'application/json-patch+json', { patch: [{ op: 'remove', path: '/data/b' }] }, { a: '1' }],
  ] as const)('patches by %s', async (_name, strategy, change, expected) => {
    const name = `patched-${(strategy ?? 'default').replace(/[^a-z]/g, '-')}`;
    await fixture.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1', b: '2' } });
    const resource = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...change } as unknown as JsonObject;
    expect(await fire(resource, { template: patch(strategy) })).toMatchObject({ action: 'patch' });
    expect((await fixture.read('configmaps', name, 'v1')).data).toEqual(expected);
  });

  it('deletes, and accepts an object that is already gone', async () => {
    const created = await fixture.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'doomed' } });
    const template: K8sTriggerTemplate = { source: {}, operation: 'delete' };
    const result = await fire(configMap('doomed'), { template });
    expect(objectOf(result)).toMatchObject({ name: 'doomed', uid: created.metadata.uid });
    expect(await fire(configMap('doomed'), { template })).toMatchObject({ action: 'delete' });
  });
});

describe('k8s trigger: label policy', () => {
  const policy = (errorOnBackoffTimeout: boolean, steps = 40): FireRequest<K8sTriggerTemplate>['policy'] => ({
    k8s: { labels: { done: 'true' }, backoff: { duration: '50ms', steps, jitter: 0 }, errorOnBackoffTimeout },
  });

  it('waits until the object has the labels', async () => {
    const firing = fire(configMap('awaited'), { policy: policy(true) });
    await eventually(() => fixture.patch('configmaps', 'awaited', { metadata: { labels: { done: 'true' } } }, 'v1'));
    await expect(firing).resolves.toMatchObject({ action: 'create' });
  });

  it.each([
    ['fails if configured', true],
    ['succeeds otherwise, as in Argo Events', false],
  ])('after the last check %s', async (_name, errorOnBackoffTimeout) => {
    const firing = fire(configMap(`late-${errorOnBackoffTimeout}`), { policy: policy(errorOnBackoffTimeout, 2) });
    if (errorOnBackoffTimeout) expect((await failureOf(firing)).code).toBe('TRIGGER_POLICY_FAILED');
    else await expect(firing).resolves.toMatchObject({ kind: 'object' });
  });
});
