import type { Verdict } from '../../src/controller/object-conditions';
import { writeStatus } from '../../src/controller/object-status';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { ARGO, openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';

let fixture: ClusterFixture;
beforeAll(async () => {
  fixture = await openClusterFixture('status');
});
afterAll(() => fixture.close());

const verdicts = (status: Verdict['status']): readonly Verdict[] => [
  { type: 'Deployed', status, reason: 'Ready', message: '' },
];
const create = (kind: string): Promise<KubernetesObject> =>
  fixture.create({ apiVersion: ARGO, kind, metadata: { name: 'a' }, spec: {} });

describe('the status of an object', () => {
  // The definition of Workflows has no status subresource.
  it.each([
    ['Sensor', 1],
    ['Workflow', 2],
  ])('of kind %s is written once, for the generation that it is about', async (kind, generation) => {
    const written = await writeStatus(fixture.cluster, await create(kind), verdicts('True'));
    expect(written).toMatchObject({
      metadata: { generation },
      status: { observedGeneration: generation, conditions: [{ type: 'Deployed', status: 'True' }] },
    });
    if (written === 'same' || written === 'moved') throw new Error('it was not written');
    expect(await writeStatus(fixture.cluster, written, verdicts('True'))).toBe('same');
  });

  it('is written again for another message only if that need not wait', async () => {
    const source = await fixture.create({ apiVersion: ARGO, kind: 'Sensor', metadata: { name: 'b' }, spec: {} });
    const written = await writeStatus(fixture.cluster, source, verdicts('False'));
    if (written === 'same' || written === 'moved') throw new Error('it was not written');
    const reworded = verdicts('False').map((verdict) => ({ ...verdict, message: '5 events wait' }));
    expect(await writeStatus(fixture.cluster, written, reworded, { mayWait: true })).toBe('same');
    expect(await writeStatus(fixture.cluster, written, verdicts('True'), { mayWait: true })).not.toBe('same');
    const current = await fixture.read('sensors', 'b');
    expect(await writeStatus(fixture.cluster, current, reworded)).toMatchObject({
      status: { conditions: [{ status: 'False', message: '5 events wait' }] },
    });
  });

  it('keeps what other controllers wrote there', async () => {
    await create('EventBus');
    const path = `/apis/${ARGO}/namespaces/${fixture.namespace}/eventbus/a/status`;
    const contentType = 'application/merge-patch+json';
    const body = { status: { config: { jetstream: {} } } };
    const bus = await fixture.cluster.client.request<KubernetesObject>({ method: 'PATCH', path, contentType, body });
    const written = await writeStatus(fixture.cluster, bus, verdicts('True'));
    expect(written).toMatchObject({ status: { config: { jetstream: {} }, conditions: [{ status: 'True' }] } });
  });

  it('is not written to an object of the same name that was created later', async () => {
    const source = await create('EventSource');
    await fixture.remove('eventsources', 'a');
    await create('EventSource');
    expect(await writeStatus(fixture.cluster, source, verdicts('True'))).toBe('moved');
    expect(await fixture.read('eventsources', 'a')).not.toHaveProperty('status');
  });

  it('is left to the next check if the object was changed or deleted meanwhile', async () => {
    const template = await create('WorkflowTemplate');
    await fixture.patch('workflowtemplates', 'a', { spec: { entrypoint: 'main' } });
    expect(await writeStatus(fixture.cluster, template, verdicts('True'))).toBe('moved');
    await fixture.remove('workflowtemplates', 'a');
    expect(await writeStatus(fixture.cluster, template, verdicts('True'))).toBe('moved');
  });
});
