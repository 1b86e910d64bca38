import { Backoff } from '../../src/controller/backoff';
import { busNameOf, isLeaving, manifestOf } from '../../src/controller/cluster-object';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';

const sensor = (metadata: KubernetesObject['metadata'], more: object = {}): KubernetesObject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Sensor',
  metadata: { name: 'scenes', namespace: 'argo', ...metadata },
  spec: { dependencies: [], triggers: [] },
  ...more,
});

describe('the manifest of an object', () => {
  it('stays the same when its status, its versions or its labels change', () => {
    const stored = sensor(
      { resourceVersion: '9', generation: 2, labels: { team: 'eo' }, managedFields: [] },
      { status: { conditions: [] } },
    );
    expect(manifestOf(stored)).toBe(manifestOf(sensor({})));
  });

  it('changes with its annotations and its spec, but not with the copy that kubectl keeps', () => {
    const annotated = sensor({ annotations: { 'sluice.io/listeners': '2' } });
    expect(manifestOf(annotated)).not.toBe(manifestOf(sensor({})));
    expect(manifestOf(sensor({}, { spec: {} }))).not.toBe(manifestOf(sensor({})));
    const copied = sensor({ annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } });
    expect(manifestOf(copied)).toBe(manifestOf(sensor({})));
  });
});

describe('an object of the cluster', () => {
  it('uses the bus that it names, else the one named default', () => {
    expect(busNameOf(sensor({}))).toBe('default');
    expect(busNameOf(sensor({}, { spec: { eventBusName: 'tiles' } }))).toBe('tiles');
    expect(busNameOf(sensor({}, { kind: 'EventBus' }))).toBeUndefined();
  });

  it('is leaving once it is deleted, although a finalizer holds it', () => {
    expect(isLeaving(sensor({}))).toBe(false);
    expect(isLeaving(sensor({ deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['eventbus-controller'] }))).toBe(
      true,
    );
  });
});

describe('the pauses between attempts', () => {
  it('double up to their limit, and restart after a success', () => {
    const backoff = new Backoff(5_000);
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([1_000, 2_000, 4_000, 5_000]);
    backoff.reset();
    expect(backoff.next()).toBe(1_000);
  });
});
