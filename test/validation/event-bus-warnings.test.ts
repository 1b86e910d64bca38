import { loadManifestText } from '../../src/validation/load-manifests';
import { checkManifest } from '../../src/validation/parse-manifest';

function findings(streamConfig: string, annotations: Record<string, string> = {}) {
  return checkManifest('EventBus', {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'EventBus',
    metadata: { name: 'default', annotations },
    spec: { jetstreamExotic: { url: 'nats://nats:4222', streamConfig } },
  });
}

const UNTIL_HANDLED = { 'sluice.io/retention': 'until-handled' };

describe('an EventBus whose settings lose events', () => {
  it('is warned of duplicates that are longer than maxAge', () => {
    expect(findings('maxAge: 1m\nduplicates: 5m').findings).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('duplicates is longer than maxAge') as string },
    ]);
  });

  it.each(['maxMsgs: 50000', 'maxBytes: 1000000\ndiscard: 0'])('is warned of %j without discard: 1', (config) => {
    const [finding] = findings(config).findings;
    expect(finding).toMatchObject({ severity: 'warning' });
    expect(finding?.fix).toContain('sluice.io/retention: until-handled');
  });

  it.each<[string, string, Record<string, string>]>([
    ['publishers wait', 'maxMsgs: 50000\ndiscard: 1', {}],
    ['events are kept until they are handled', 'maxMsgs: 50000', UNTIL_HANDLED],
    ['there is no limit', 'maxMsgs: -1\nmaxAge: 72h\nduplicates: 5m', {}],
  ])('is not warned if %s', (_, config, annotations) => {
    expect(findings(config, annotations).findings).toEqual([]);
  });
});

describe('annotations of an EventBus', () => {
  it('choose the retention', () => {
    expect(findings('', UNTIL_HANDLED).manifest).toMatchObject({ options: { retention: 'until-handled' } });
    expect(findings('', { 'sluice.io/retention': 'limits' }).manifest).toMatchObject({ options: {} });
  });

  it('list the namespaces whose events are also accepted', () => {
    const { manifest } = findings('', { 'sluice.io/accept-namespaces': 'stac, catalogues' });
    expect(manifest).toMatchObject({ options: { acceptNamespaces: ['stac', 'catalogues'] } });
  });

  it.each(['own', 'argo-events'])('choose a stream: %s', (stream) => {
    expect(findings('', { 'sluice.io/stream': stream }).manifest).toMatchObject({ options: { stream } });
  });

  it('are warned of namespaces whose events a stream of its own cannot have', () => {
    const accepting = { 'sluice.io/accept-namespaces': '*' };
    expect(findings('', { ...accepting, 'sluice.io/stream': 'own' }).findings).toMatchObject([
      { severity: 'warning', path: ['metadata', 'annotations', 'sluice.io/accept-namespaces'] },
    ]);
    expect(findings('', { ...accepting, 'sluice.io/stream': 'argo-events' }).findings).toEqual([]);
  });

  it.each([
    [{ 'sluice.io/accept-namespaces': 'Not a namespace' }, 'names of namespaces'],
    [{ 'sluice.io/retention': 'forever' }, 'limits'],
    [{ 'sluice.io/stream': 'mine' }, 'argo-events, own'],
    [{ 'sluice.io/retntion': 'limits' }, 'sluice.io/retention'],
  ])('are rejected if they are %j', (annotations, expected) => {
    const { manifest, findings: found } = findings('', annotations);
    expect(manifest).toBeUndefined();
    expect(JSON.stringify(found)).toContain(expected);
  });
});

describe('an EventBus of NATS Streaming', () => {
  it.each([
    ['native: {}', 'sluice migrate eventbus -f FILE.'],
    [
      'exotic: { url: "nats://stan:4222", clusterID: c }',
      'sluice migrate eventbus -f FILE --nats-url nats://HOST:4222',
    ],
  ])('is rejected with the command that migrates nats: { %s }', async (nats, command) => {
    const text = `apiVersion: argoproj.io/v1alpha1\nkind: EventBus\nmetadata: { name: default }\nspec: { nats: { ${nats} } }\n`;
    const { problems } = await loadManifestText(text, 'bus.yaml');
    expect(problems).toMatchObject([
      { severity: 'unsupported', path: 'spec.nats', fix: expect.stringContaining(command) as string },
    ]);
  });
});
