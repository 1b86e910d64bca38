/** Manifests with numbers and keys that JavaScript would change. */
import { createExpressionEngine, createExpressionSyntax } from '../../src/expressions';
import { loadManifestText } from '../../src/validation/load-manifests';

const engine = createExpressionEngine({ timeLimitMs: 20_000 });
afterAll(() => engine.close());

const load = (text: string) => loadManifestText(text, 'x.yaml', { expressions: createExpressionSyntax(engine) });

const template = (kind: string, spec: string): string => `
        name: t
        ${kind}:
          operation: ${kind === 'k8s' ? 'create' : 'submit'}
          source: { resource: { apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: { name: w }, spec: ${spec} } }`;

const sensor = (triggers: string, value = '"1"'): string => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: own, labels: { '10': a, '9': b } }
spec:
  dependencies:
    - { name: d, eventSourceName: s, eventName: e, filters: { data: [{ path: a, type: string, value: [${value}] }] } }
  triggers:
${triggers}
`;

describe('a Sensor whose object contains an integer beyond 2^53', () => {
  it.each(['k8s', 'argoWorkflow'])('sends its digits (%s), also in the dead letter', async (kind) => {
    const one = template(kind, '{ arguments: { parameters: [{ name: p, value: 9007199254740993 }] } }');
    const other = template(kind, '{ priority: 9007199254740995 }').replaceAll('\n', '\n  ');
    const text = sensor(`    - template:${one}\n      dlqTrigger:\n        template:${other}`);
    const { documents, problems } = await load(text);
    expect(problems).toEqual([]);
    const written = JSON.stringify(documents[0]?.object);
    expect(written).toContain(JSON.stringify('"value":9007199254740993').slice(1, -1));
    expect(written).toContain(JSON.stringify('"priority":9007199254740995').slice(1, -1));
  });

  it('keeps the object itself if all of its numbers are safe', async () => {
    const { documents } = await load(sensor(`    - template:${template('k8s', '{ priority: 5 }')}`));
    expect(JSON.stringify(documents[0]?.object)).toContain('"resource":{"apiVersion":"argoproj.io/v1alpha1"');
  });
});

it.each(['9007199254740993', '0644', '1.50', '1e3'])(
  'a number without quotes is reported as it was written: %s',
  async (number) => {
    const { problems } = await load(sensor(`    - template:${template('k8s', '{}')}`, number));
    expect(problems).toMatchObject([{ found: `number ${number}`, fix: `Put it in quotes: "${number}".` }]);
  },
);

it.each(['data: { "10": a, "9": b }', 'data: { big: 9007199254740993 }'])(
  'an object of another kind is read with any keys and numbers: %s',
  async (line) => {
    const { documents, problems } = await load(`apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n${line}\n`);
    expect(problems).toEqual([]);
    expect(documents).toHaveLength(1);
  },
);
