import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import type { JsonObject } from '../../src/event/json';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { SETTING_NAMES } from '../../workers/settings';
import { CHART, renderValues, renderValuesPage } from './chart-values';
import { VALUE_SETS } from './chart-value-sets';
import { DEPLOY_FOLDERS, loadDeployManifests, readKustomization } from './deploy-manifests';
import { helm, renderChart } from './helm';
import { containerOf, type DeployedVariable } from './deployed-pod';

const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Record<string, string>;
const addressOf = ({ kind, metadata }: KubernetesObject): string => `${kind}/${metadata.name ?? ''}`;
const find = (objects: readonly KubernetesObject[], address: string): KubernetesObject => {
  const found = objects.find((object) => addressOf(object) === address);
  if (found === undefined) throw new Error(`no ${address} among ${objects.map(addressOf).join(', ')}`);
  return found;
};

/** Without what only a release has: its labels, the checksum that restarts pods, the namespace that a kustomization sets. */
function withoutRelease(object: KubernetesObject): unknown {
  const ofRelease = /^(app\.kubernetes\.io\/(instance|version|managed-by)|helm\.sh\/chart|checksum\/configuration)$/;
  return JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    key === 'namespace' || ofRelease.test(key) ? undefined : value,
  );
}

describe('the chart', () => {
  it.each(Object.keys(VALUE_SETS) as Array<keyof typeof VALUE_SETS>)(
    'passes helm lint with values: %s',
    async (name) => {
      expect(await helm(['lint', '--strict', CHART], { values: VALUE_SETS[name] })).toContain('0 chart(s) failed');
    },
  );

  it('renders exactly the manifests of deploy/, with the namespace and image that the kustomizations set', async () => {
    const rendered = (await renderChart(VALUE_SETS.plain)).map(withoutRelease);
    const [image] = readKustomization('deploy').images ?? [];
    const plain = DEPLOY_FOLDERS.flatMap((folder) => loadDeployManifests('sluice', folder)).map((object) =>
      withoutRelease(
        JSON.parse(
          JSON.stringify(object).replace('"image":"sluice"', `"image":"sluice:${image?.newTag ?? ''}"`),
        ) as KubernetesObject,
      ),
    );
    const inOrder = (objects: readonly unknown[]): unknown[] =>
      [...(objects as KubernetesObject[])].sort((a, b) => addressOf(a).localeCompare(addressOf(b)));
    expect(inOrder(rendered)).toEqual(inOrder(plain));
  });

  it('withholds its own Secrets from manifests, whatever they are called', async () => {
    const rendered = await renderChart({
      environmentSecretName: 'connection',
      payloadKeysSecretName: 'keys',
      temporal: { apiKeySecret: { name: 'api-key' }, tls: { enabled: true, clientSecretName: 'client' } },
    });
    for (const worker of ['sensor-worker', 'event-source-worker']) {
      const { env = [] } = containerOf(find(rendered, `Deployment/sluice-${worker}`));
      expect(env.find(({ name }) => name === 'SLUICE_WITHHELD_SECRETS')?.value).toBe(
        'sluice-admission,connection,keys,api-key,client',
      );
    }
  });

  it('has the alerts, the dashboard and the PodMonitor of deploy/monitoring', async () => {
    const metrics = { podMonitor: { enabled: true }, alerts: { enabled: true }, dashboard: { enabled: true } };
    const rendered = await renderChart({ metrics });
    const read = (file: string): string => readFileSync(join(CHART, 'monitoring', file), 'utf8');
    for (const [address, file] of [
      ['PodMonitor/sluice', 'pod-monitor.yaml'],
      ['PrometheusRule/sluice', 'alerts.yaml'],
    ] as const) {
      const plain = parse(read(file)) as KubernetesObject;
      expect(withoutRelease(find(rendered, address))).toMatchObject(withoutRelease(plain) as object);
    }
    const { metadata, data } = find(rendered, 'ConfigMap/sluice-dashboard');
    expect(metadata.labels).toMatchObject({ grafana_dashboard: '1' });
    expect(JSON.parse((data as Record<string, string>)['sluice.json'] ?? '')).toEqual(
      JSON.parse(read('dashboard.json')),
    );
  });

  it('has the webhook of deploy/admission', async () => {
    const rendered = await renderChart({ controller: { admission: { enabled: true } } });
    const plain = parseAllDocuments(readFileSync(join(repoRoot, 'deploy/admission/admission.yaml'), 'utf8')).map(
      (document) => document.toJS() as KubernetesObject,
    );
    expect(plain.length).toBeGreaterThan(5);
    for (const object of plain)
      expect(withoutRelease(find(rendered, addressOf(object)))).toEqual(withoutRelease(object));
    const [webhook] = find(rendered, 'ValidatingWebhookConfiguration/sluice-admission')['webhooks'] as [JsonObject];
    expect(webhook).toMatchObject({
      clientConfig: { service: { namespace: 'sluice' } },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'sluice' } },
    });
    const { env } = containerOf(find(rendered, 'Deployment/sluice-controller'));
    expect(env).toContainEqual({ name: 'SLUICE_ADMISSION_NAME', value: 'sluice-admission' });
  });

  it('checks the namespaces, and leads Services to the pods, that the values name', async () => {
    const rendered = await renderChart(VALUE_SETS.everything);
    const [webhook] = find(rendered, 'ValidatingWebhookConfiguration/eo-events-admission')['webhooks'] as [JsonObject];
    expect(webhook['namespaceSelector']).toEqual({ matchExpressions: [{ key: 'team', operator: 'Exists' }] });
    expect(containerOf(find(rendered, 'Deployment/eo-events-controller')).env).toContainEqual({
      name: 'SLUICE_SERVICE_SELECTOR',
      value: 'app.kubernetes.io/component=event-source-worker,app.kubernetes.io/instance=sluice',
    });
  });

  it('mounts payload keys as the component deploy/encrypted-payloads does', async () => {
    const patch = parse(
      readFileSync(join(repoRoot, 'deploy/encrypted-payloads/mount-payload-keys.yaml'), 'utf8'),
    ) as KubernetesObject;
    const { env, volumeMounts, volumes } = containerOf(patch);
    const rendered = await renderChart({ payloadKeysSecretName: 'sluice-payload-keys' });
    for (const object of rendered.filter(({ kind }) => kind === 'Deployment')) {
      const container = containerOf(object);
      expect(container.env).toEqual(expect.arrayContaining([...env]));
      expect(container.volumeMounts).toEqual(expect.arrayContaining([...volumeMounts]));
      expect(container.volumes).toEqual(expect.arrayContaining([...volumes]));
    }
  });

  it('gives every worker Temporal, TLS, credentials and NATS as the values name them', async () => {
    const rendered = await renderChart(VALUE_SETS.everything);
    expect(find(rendered, 'ConfigMap/eo-events-configuration').data).toEqual({
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      TEMPORAL_NAMESPACE: 'events',
      TEMPORAL_TLS: 'true',
      TEMPORAL_TLS_SERVER_NAME: 'temporal',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/temporal-ca/ca.crt',
      TEMPORAL_TLS_CLIENT_CERT_PATH: '/temporal-client/tls.crt',
      TEMPORAL_TLS_CLIENT_KEY_PATH: '/temporal-client/tls.key',
      SLUICE_HEALTH_PORT: '8081',
      SLUICE_METRICS_PORT: '7777',
      SLUICE_SHUTDOWN_GRACE: '20s',
      SLUICE_LOG_LEVEL: 'info',
      SLUICE_ARGO_UI: 'https://argo.example',
      SLUICE_CONTROLLER_CLASS: 'sluice',
    });
    const secret = (name: string, key: string) => ({ secretKeyRef: { name, key } });
    for (const object of rendered.filter(({ kind }) => kind === 'Deployment')) {
      const { env, volumes } = containerOf(object);
      expect(env).toContainEqual({ name: 'TEMPORAL_API_KEY', valueFrom: secret('temporal-key', 'api-key') });
      expect(env).toContainEqual({ name: 'SLUICE_BUS_URL', valueFrom: secret('nats', 'url') });
      expect(env).toContainEqual({ name: 'NODE_OPTIONS', value: '--max-old-space-size=768' });
      expect(volumes.map(({ name }) => name)).toEqual(['tmp', 'temporal-ca', 'temporal-client', 'payload-keys', 'manifests']); // prettier-ignore
    }
  });

  it('sets only variables that workers read', async () => {
    const known = (name: string): boolean =>
      SETTING_NAMES.includes(name) ||
      readFileSync(join(repoRoot, 'docs/configuration.md'), 'utf8').includes(`\`${name}`);
    const names = Object.values(VALUE_SETS).map(async (values) =>
      (await renderChart(values)).flatMap((object) =>
        object.kind === 'Deployment'
          ? containerOf(object).env.map(({ name }: DeployedVariable) => name)
          : object.kind === 'ConfigMap'
            ? Object.keys(object.data as object)
            : [],
      ),
    );
    const unknown = (await Promise.all(names)).flat().filter((name) => name.startsWith('SLUICE_') && !known(name));
    expect(unknown).toEqual([]);
  });

  it('replaces settings of all pods by those of one Deployment, and completes spread constraints', async () => {
    const rendered = await renderChart(VALUE_SETS.everything);
    const podOf = (address: string) =>
      (find(rendered, address).spec as { template: { spec: Record<string, unknown> } }).template.spec;
    expect(podOf('Deployment/eo-events-event-source-worker')['priorityClassName']).toBe('system-node-critical');
    expect(podOf('Deployment/eo-events-controller')['priorityClassName']).toBe('system-cluster-critical');
    const own = { matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': 'sensor-worker' }) as unknown };
    expect(podOf('Deployment/eo-events-sensor-worker')['topologySpreadConstraints']).toEqual([
      expect.objectContaining({ topologyKey: 'topology.kubernetes.io/zone', labelSelector: own }),
      expect.objectContaining({
        topologyKey: 'kubernetes.io/hostname',
        labelSelector: { matchLabels: { team: 'water' } },
      }),
    ]);
  });

  it('keeps workers of a namespaced install to the namespaces of their manifests', async () => {
    const rendered = await renderChart({ namespaces: ['team-a', 'team-b'] });
    expect(rendered.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
    const envOf = (name: string) => containerOf(find(rendered, `Deployment/sluice-${name}`)).env;
    for (const worker of ['sensor-worker', 'event-source-worker'])
      expect(envOf(worker)).toContainEqual({ name: 'SLUICE_ALLOWED_NAMESPACES', value: 'team-a,team-b' });
    expect(envOf('controller')).toContainEqual({ name: 'SLUICE_CONTROLLER_NAMESPACES', value: 'team-a,team-b' });
  });

  it.each([
    [{ sensors: {} }, 'sensors'],
    [{ sensor: { replicas: 'two' } }, 'replicas'],
    [{ namespaces: ['Team_A'] }, 'namespaces'],
    [{ eventSource: { webhooks: { ports: [99999] } } }, 'ports'],
    [{ image: { pullPolicy: 'Sometimes' } }, 'pullPolicy'],
    [{ configuration: { SLUICE_MAX_ACTIVITIES: 100 } }, 'SLUICE_MAX_ACTIVITIES'],
  ])('rejects values that the schema does not know: %j', async (values, named) => {
    await expect(renderChart(values)).rejects.toThrow(new RegExp(`values don't meet the specifications[^]*${named}`));
  });

  it('is of the version of the package, whose image it deploys', () => {
    const { version } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as { version: string };
    expect([chart['version'], chart['appVersion']]).toEqual([version, version]);
  });
});

describe('the values of the chart', () => {
  it('are written from the schema, as is their page (npm run docs:chart)', async () => {
    expect(readFileSync(join(CHART, 'values.yaml'), 'utf8')).toBe(await renderValues());
    expect(readFileSync(join(repoRoot, 'docs/helm-values.md'), 'utf8')).toBe(await renderValuesPage());
  });

  it('are described by pages that exist', async () => {
    for (const [, page = ''] of (await renderValuesPage()).matchAll(/\]\(([\w.-]+\.md)/g)) {
      expect([page, existsSync(join(repoRoot, 'docs', page))]).toEqual([page, true]);
    }
  });
});
