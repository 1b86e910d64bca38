import { isOwnedBy, serviceOf } from '../../src/controller/event-source-service';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';

const source = (service?: object): KubernetesObject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'EventSource',
  metadata: { name: 'hooks', namespace: 'argo', uid: 'u1' },
  spec: { webhook: {}, ...(service !== undefined && { service }) },
});
const selector = { app: 'workers' };

describe('the Service of an EventSource', () => {
  it('has the name, ports, address and labels of the object, and leads to the workers', () => {
    const ports = [{ name: 'http', port: 80, targetPort: 12_000 }];
    const wanted = serviceOf(
      source({ ports, clusterIP: 'None', metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } }),
      selector,
    );
    expect(wanted).toMatchObject({
      metadata: {
        name: 'hooks-eventsource-svc',
        namespace: 'argo',
        labels: { a: 'b', controller: 'eventsource-controller', 'eventsource-name': 'hooks', 'owner-name': 'hooks' },
        annotations: { c: 'd' },
        ownerReferences: [{ name: 'hooks', uid: 'u1', controller: true }],
      },
      spec: { clusterIP: 'None', selector, ports },
    });
  });

  it.each([
    ['no service', undefined],
    ['a service without ports', { clusterIP: 'None' }],
    ['an empty list of ports', { ports: [] }],
  ])('is not made for an object with %s', (_, service) => {
    expect(serviceOf(source(service), selector)).toBeUndefined();
  });

  it('belongs to the object by uid, and not by name', () => {
    const wanted = serviceOf(source({ ports: [{ port: 80 }] }), selector);
    if (wanted === undefined) throw new Error('there is none');
    expect(isOwnedBy(wanted, source())).toBe(true);
    expect(isOwnedBy(wanted, { ...source(), metadata: { name: 'hooks', uid: 'u2' } })).toBe(false);
  });
});
