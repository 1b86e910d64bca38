/** The definitions of `sluice crds` on a real API server, in the place of the open ones of Argo Events. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import { repoRoot } from '../../dev/repo-root';
import { startKubernetes, type OwnKubernetes } from '../../dev/servers';
import { isRecord } from '../../src/kubernetes/kubernetes-object';
import { customResourceDefinitions } from '../../src/validation/crds';
import { parseYamlDocuments } from '../../src/yaml/yaml-documents';
import { eventually } from '../setup/eventually';

jest.setTimeout(240_000);

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const OBJECTS = '/apis/argoproj.io/v1alpha1/namespaces/default';
const PLURALS: Readonly<Record<string, string>> = {
  EventBus: 'eventbus',
  EventSource: 'eventsources',
  Sensor: 'sensors',
};
const valid = join(repoRoot, 'test/manifest/corpus/valid');

describe('the definitions of sluice crds', () => {
  let kubernetes: OwnKubernetes;
  let api: ApiClient;

  beforeAll(async () => {
    kubernetes = await startKubernetes({ own: true });
    const { url, caPath, adminToken: token } = kubernetes;
    api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
  });
  afterAll(async () => {
    api?.close();
    await kubernetes?.stop();
  });

  /** Answers of the server to each manifest of the corpus, without storing it. */
  async function tryCorpus(): Promise<Readonly<Record<string, string>>> {
    const refused: Record<string, string> = {};
    for (const file of readdirSync(valid)) {
      for (const { value } of parseYamlDocuments(readFileSync(join(valid, file), 'utf8')).documents) {
        if (!isRecord(value) || !isRecord(value['metadata'])) continue;
        const plural = PLURALS[String(value['kind'])];
        if (plural === undefined) continue;
        const { name, annotations, labels } = value['metadata'];
        const object = { ...value, metadata: { name, annotations, labels } };
        const { status, body } = await api.send('POST', `${OBJECTS}/${plural}?dryRun=All`, object);
        if (status >= 300) refused[file] = isRecord(body) ? String(body['message']) : String(status);
      }
    }
    return refused;
  }

  it('replace the open ones while objects exist, and accept the same manifests', async () => {
    const before = await tryCorpus();
    await api.expect('POST', `${OBJECTS}/sensors`, {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Sensor',
      metadata: { name: 'old' },
      spec: { dependencies: [], triggers: [], unknown: { kept: true } },
    });
    for (const definition of customResourceDefinitions()) {
      const path = `${CRDS}/${definition.metadata.name}`;
      const present = (await api.expect('GET', path)).body as { metadata: { resourceVersion: string } };
      const { resourceVersion } = present.metadata;
      await api.expect('PUT', path, { ...definition, metadata: { ...definition.metadata, resourceVersion } });
    }
    // The schema of before is served for a moment.
    await eventually(async () => {
      const spec = { dependencies: 'none', triggers: [] };
      const wrong = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Sensor', metadata: { name: 'wrong' }, spec };
      return (await api.send('POST', `${OBJECTS}/sensors?dryRun=All`, wrong)).status === 422;
    });
    const after = await tryCorpus();
    expect(Object.keys(after).filter((file) => !(file in before))).toEqual([]);
    expect((await api.expect('GET', `${OBJECTS}/sensors/old`)).body).toMatchObject({
      spec: { unknown: { kept: true } },
    });
    for (const { metadata } of customResourceDefinitions()) {
      const { status } = (await api.expect('GET', `${CRDS}/${metadata.name}`)).body as {
        status: { conditions: Array<{ type: string; status: string }> };
      };
      expect(status.conditions.filter((condition) => condition.status === 'True').map(({ type }) => type)).toEqual(
        expect.arrayContaining(['NamesAccepted', 'Established']),
      );
      expect(status.conditions.map(({ type }) => type)).not.toContain('NonStructuralSchema');
    }
  });

  it('describe fields for kubectl explain', async () => {
    const dependencies = await eventually(async () => {
      const { body } = await api.expect('GET', '/openapi/v3/apis/argoproj.io/v1alpha1');
      const text = JSON.stringify(body);
      return text.includes('eventBusName') && (body as { components: { schemas: Record<string, unknown> } });
    });
    const sensor = Object.entries(dependencies.components.schemas).find(([name]) => name.endsWith('.Sensor'))?.[1];
    const spec = (sensor as { properties: { spec: { properties: Record<string, object> } } }).properties.spec;
    expect(spec.properties['dependencies']).toMatchObject({ type: 'array' });
    expect(spec.properties['eventBusName']).toMatchObject({ description: expect.stringMatching(/EventBus/) as string });
  });

  it('show whether objects are ready in kubectl get', async () => {
    const { columnDefinitions } = await asTable(kubernetes, `${OBJECTS}/sensors`);
    expect(columnDefinitions.map(({ name }) => name)).toEqual(['Name', 'Ready', 'Reason', 'Message', 'Age']);
  });
});

async function asTable(
  { url, adminToken, caPath }: OwnKubernetes,
  path: string,
): Promise<{ columnDefinitions: Array<{ name: string }> }> {
  const ca = await readFile(caPath, 'utf8');
  const headers = { authorization: `Bearer ${adminToken}`, accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  return await new Promise((resolve, reject) => {
    request(`${url}${path}`, { ca, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(JSON.parse(text) as { columnDefinitions: Array<{ name: string }> }));
    })
      .on('error', reject)
      .end();
  });
}
