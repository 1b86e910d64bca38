import { outcomeNamespaces } from '../../../activities/outcomes/outcome-namespaces';
import { startYamlReader } from '../../setup/yaml-reader';
import { parseSensor } from '../../../src/validation/parse-manifest';

const yaml = startYamlReader();
afterAll(() => yaml.close());

const WORKFLOW = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow' };

/** @param kinds what each trigger's template has besides its name */
function namespacesOf(...kinds: readonly object[]): Promise<string[]> {
  const { object } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'water', namespace: 'own' },
    spec: {
      dependencies: [{ name: 'a', eventSourceName: 'source', eventName: 'a' }],
      triggers: kinds.map((kind, index) => ({ template: { name: `t${index}`, ...kind } })),
    },
  });
  return outcomeNamespaces({ namespace: 'own', spec: object.spec }, yaml.readYaml);
}

describe('outcomes are watched for', () => {
  it('in the namespace of the sensor', async () => {
    expect(await namespacesOf({ log: {} })).toEqual(['own']);
  });

  it('in those that resources name, also in text resources', async () => {
    const resource = { ...WORKFLOW, metadata: { generateName: 'w-', namespace: 'named' } };
    const inline = 'apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w, namespace: in-text}';
    expect(
      await namespacesOf(
        { k8s: { operation: 'create', source: { resource } } },
        { argoWorkflow: { operation: 'submit', source: { inline } } },
      ),
    ).toEqual(['own', 'named', 'in-text']);
  });

  it('in those that the arguments of the argo command name', async () => {
    const resource = { ...WORKFLOW, metadata: { generateName: 'w-' } };
    const argoWorkflow = { operation: 'submit', source: { resource }, args: ['-n', 'elsewhere'] };
    expect(
      await namespacesOf({ argoWorkflow }, { argoWorkflow: { ...argoWorkflow, args: ['--namespace=there'] } }),
    ).toEqual(['own', 'elsewhere', 'there']);
  });
});
