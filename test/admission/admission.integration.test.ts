/** A real API server calls the webhook, with exactly the rights of deploy/admission. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ClientRequest } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { pino } from 'pino';
import { parseAllDocuments } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import { keepCertificate } from '../../src/admission/kept-certificate';
import { serveAdmission } from '../../src/admission/serve-admission';
import { createKubernetesAccess, type KubernetesAccess } from '../../src/kubernetes/access';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { ARGO, openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';
import { eventually } from '../setup/eventually';

jest.setTimeout(180_000);

const SENSORS = (namespace: string): string => `/apis/${ARGO}/namespaces/${namespace}/sensors`;

describe('the admission webhook', () => {
  let fixture: ClusterFixture;
  let access: KubernetesAccess;
  let serving: Promise<void>;
  let url: string;
  const stopping = new AbortController();
  const name = `admission-${randomBytes(4).toString('hex')}`;
  const configuration = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`;

  beforeAll(async () => {
    fixture = await openClusterFixture('admission');
    const { namespace, kubernetes, cluster } = fixture;
    const yaml = await readFile(join(repoRoot, 'deploy/admission/admission.yaml'), 'utf8');
    const text = yaml
      .replaceAll('sluice-admission', name)
      .replaceAll('namespace: sluice\n', `namespace: ${namespace}\n`)
      .replaceAll('metadata.name: sluice\n', `metadata.name: ${namespace}\n`);
    const token = await kubernetes.serviceAccountToken(namespace, 'sluice-controller');
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubernetesObject;
      if (object.kind === 'ValidatingWebhookConfiguration') {
        const [webhook] = object['webhooks'] as Array<Record<string, unknown>>;
        // No pod network here. The port follows.
        object['webhooks'] = [
          { ...webhook, failurePolicy: 'Fail', clientConfig: { url: 'https://127.0.0.1:1/validate' } },
        ];
      }
      const resource = await cluster.discovery.find(object.apiVersion, object.kind);
      const scope = resource.namespaced ? `/namespaces/${namespace}` : '';
      const root = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
      await cluster.client.request({ method: 'POST', path: `${root}${scope}/${resource.plural}`, body: object });
    }
    const { connection } = cluster.client;
    const options = { connection: { ...connection, namespace, authorization: () => `Bearer ${token}` } };
    access = createKubernetesAccess(options);
    const port = await new Promise<number>((resolve, reject) => {
      const log = pino({ level: 'silent' });
      serving = serveAdmission({ port: 0, name, log, kubernetes: options, onListening: resolve }, stopping.signal);
      serving.catch(reject);
    });
    url = `https://127.0.0.1:${port}/validate`;
    await cluster.client.request({
      method: 'PATCH',
      path: configuration,
      contentType: 'application/json-patch+json',
      body: [{ op: 'replace', path: '/webhooks/0/clientConfig/url', value: url }],
    });
    // Until the API server has seen it.
    await eventually(async () => (await create({ ...VALID, dependencies: [] }, '?dryRun=All')).status === 422);
  });
  afterAll(async () => {
    stopping.abort();
    await serving;
    access?.close();
    await fixture?.cluster.client.request({ method: 'DELETE', path: configuration }).catch(() => undefined);
    for (const plural of ['clusterroles', 'clusterrolebindings']) {
      const path = `/apis/rbac.authorization.k8s.io/v1/${plural}/${name}`;
      await fixture?.cluster.client.request({ method: 'DELETE', path }).catch(() => undefined);
    }
    await fixture?.close();
  });

  interface Answer {
    readonly status: number;
    readonly body: string;
    /** As kubectl prints them. */
    readonly warnings: string;
  }

  async function send(method: string, target: string, ca: string | Buffer | undefined, body: string): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${fixture.kubernetes.adminToken}`,
      'content-type': 'application/json',
    };
    return await new Promise<Answer>((resolve, reject) => {
      request(target, { method, ca, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: text,
            warnings: String(response.headers['warning'] ?? ''),
          }),
        );
        response.on('error', reject);
      })
        .on('error', reject)
        .end(body);
    });
  }

  const VALID = {
    dependencies: [{ name: 'a', eventSourceName: 's', eventName: 'e' }],
    triggers: [{ template: { name: 't', log: {} } }],
  };

  async function create(spec: object, query = '', objectName = 's'): Promise<Answer> {
    const { kubernetes, namespace } = fixture;
    const object = { apiVersion: ARGO, kind: 'Sensor', metadata: { name: objectName }, spec };
    const ca = await readFile(kubernetes.caPath);
    return await send('POST', `${kubernetes.url}${SENSORS(namespace)}${query}`, ca, JSON.stringify(object));
  }

  it('rejects what validate rejects, in the same words', async () => {
    const answer = await create({ ...VALID, triggers: [{ template: { name: 't', logg: {} } }] });
    expect(answer.status).toBe(422);
    expect(answer.body).toContain('spec.triggers[0].template.logg: unknown field');
    const jq = [{ name: 'a', eventSourceName: 's', eventName: 'e', transform: { jq: '.x |' } }];
    expect((await create({ ...VALID, dependencies: jq })).body).toContain('spec.dependencies[0].transform.jq');
  });

  it('accepts what is valid, with the warnings of validate', async () => {
    const answer = await create({ ...VALID, template: { volumes: [{ name: 'v' }] } });
    expect(answer.status).toBe(201);
    expect(answer.warnings).toContain('Sensor/s spec.template.volumes: no effect');
  });

  it('lets the status and the end of objects pass', async () => {
    const { client } = fixture.cluster;
    const path = `${SENSORS(fixture.namespace)}/s`;
    const contentType = 'application/merge-patch+json';
    await client.request({
      method: 'PATCH',
      path: `${path}/status`,
      contentType,
      body: { status: { conditions: [] } },
    });
    await client.request({ method: 'DELETE', path });
  });

  it('serves a certificate that it keeps, and whose authority it has published', async () => {
    const cluster = await access.open();
    const { bundle, certificate } = await keepCertificate(cluster, name);
    expect(await keepCertificate(cluster, name)).toMatchObject({ certificate });
    const config = await fixture.cluster.client.request<KubernetesObject>({ method: 'GET', path: configuration });
    expect(config['webhooks']).toMatchObject([{ clientConfig: { caBundle: Buffer.from(bundle).toString('base64') } }]);
    const later = new Date(Date.now() + 70 * 24 * 3_600_000);
    const renewed = await keepCertificate(cluster, name, later);
    expect(renewed.certificate).not.toBe(certificate);
    expect(renewed.bundle).toBe(bundle);
    expect(await keepCertificate(cluster, name, later)).toMatchObject({ certificate: renewed.certificate });
  });

  it('refuses what is too large, too deep, or no review', async () => {
    const { bundle } = await keepCertificate(await access.open(), name);
    const post = async (body: string): Promise<number> => (await send('POST', url, bundle, body)).status;
    expect(await post('['.repeat(600))).toBe(400);
    expect(await post('{}')).toBe(400);
    expect(await post('not json')).toBe(400);
    expect((await send('GET', url, bundle, '')).status).toBe(404);
    expect(await post(`"${'x'.repeat(9 * 1024 * 1024)}"`).catch(() => 413)).toBe(413);
  });

  it('holds a bounded part of what slow callers send at once, and answers the API server meanwhile', async () => {
    const { bundle } = await keepCertificate(await access.open(), name);
    const [ended, slow]: [string[], ClientRequest[]] = [[], []];
    for (let caller = 0; caller < 16; caller += 1) {
      const headers = { 'content-length': 8 * 1024 * 1024 };
      const sending = request(url, { method: 'POST', ca: bundle, headers, agent: false }, ({ statusCode }) =>
        ended.push(String(statusCode)),
      ).on('error', () => ended.push('closed'));
      sending.write('x'.repeat(7 * 1024 * 1024));
      slow.push(sending);
    }
    // 112 MB were sent, and 64 MB are held: the oldest had to go.
    await eventually(() => Promise.resolve(ended.length >= 6 || undefined));
    expect((await create(VALID, '?dryRun=All')).status).toBe(201);
    for (const sending of slow) sending.destroy();
  });
});
