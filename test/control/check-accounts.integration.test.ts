import { missingAccounts } from '../../src/control/apply/check-accounts';
import type { Desired } from '../../src/control/apply/desired-objects';
import { parseSensor } from '../../src/validation/parse-manifest';
import { openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';

let fixture: ClusterFixture;
beforeAll(async () => {
  fixture = await openClusterFixture('check');
});
afterAll(() => fixture?.close());

function sensor(serviceAccountName: string | undefined, template: object): Desired {
  const { namespace } = fixture;
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'water', namespace },
    spec: {
      ...(serviceAccountName !== undefined && { template: { serviceAccountName } }),
      dependencies: [{ name: 'a', eventSourceName: 's', eventName: 'e' }],
      triggers: [{ template: { name: 't', ...template } }],
    },
  });
  const bus = { namespace, name: 'default', spec: {} };
  return { kind: 'Sensor', definition: { namespace, name: 'water', spec: object.spec, options, bus } };
}

const MAKES = {
  k8s: { operation: 'create', source: { resource: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } } } },
};
const look = async (object: Desired, kubeconfigPath: string): Promise<readonly string[]> =>
  await missingAccounts([object], [], fixture.namespace, {
    env: { KUBECONFIG: kubeconfigPath },
    stderr: process.stderr,
  });

describe('apply', () => {
  it('warns of a service account that does not exist, if a trigger would act as it', async () => {
    const { kubeconfigPath } = fixture.kubernetes;
    expect(await look(sensor('absent', MAKES), kubeconfigPath)).toEqual([
      expect.stringContaining(
        `Sensor ${fixture.namespace}/water: spec.template.serviceAccountName: ServiceAccount ${fixture.namespace}/absent does not exist`,
      ),
    ]);
    await fixture.kubernetes.serviceAccountToken(fixture.namespace, 'present');
    expect(await look(sensor('present', MAKES), kubeconfigPath)).toEqual([]);
    expect(await look(sensor('absent', { log: {} }), kubeconfigPath)).toEqual([]);
    expect(await look(sensor(undefined, MAKES), kubeconfigPath)).toEqual([]);
  });

  it('leaves it to the worker where there is no cluster', async () => {
    expect(await look(sensor('absent', MAKES), '/nowhere/kubeconfig')).toEqual([]);
  });
});
