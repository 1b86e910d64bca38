import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import type { JsonObject } from '../../src/event/json';
import { createKubernetesAccess, type KubernetesAccess } from '../../src/kubernetes/access';
import { createSecretReader } from '../../src/kubernetes/secret-readers';
import { watchWorkflowOutcomes } from '../../src/kubernetes/workflow-outcomes';
import type { ArgoWorkflowOperation } from '../../src/manifest/triggers/kubernetes';
import { argoWorkflowTrigger } from '../../src/triggers/argo-workflow';
import { ARGO, openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';
import { failureOf } from '../setup/failure';
import { createFire, dependenciesFor } from '../triggers/object-fire';
import { applyManifest, DEPLOY_FOLDERS, loadDeployManifests, readKustomization } from './deploy-manifests';

let fixture: ClusterFixture;
const opened: KubernetesAccess[] = [];
beforeAll(async () => {
  fixture = await openClusterFixture('deploy');
  for (const object of [
    ...loadDeployManifests(fixture.namespace),
    ...loadDeployManifests(fixture.namespace, 'deploy/controller'),
  ]) {
    if (/ServiceAccount|Role/.test(object.kind)) await applyManifest(fixture.cluster, object);
  }
});
afterAll(async () => {
  opened.forEach((access) => access.close());
  await fixture.close();
});

/** The cluster as a worker sees it, with the token of its service account. */
async function openAs(account: string): Promise<KubernetesAccess> {
  const token = await fixture.kubernetes.serviceAccountToken(fixture.namespace, account);
  const { connection } = fixture.cluster.client;
  const access = createKubernetesAccess({ connection: { ...connection, authorization: () => `Bearer ${token}` } });
  opened.push(access);
  return access;
}

/** Verbs out of `verbs` that the account has on a resource. */
async function allowed(access: KubernetesAccess, group: string, resource: string, namespace = fixture.namespace) {
  const { client } = await access.open();
  const verdicts = await Promise.all(
    VERBS.map(async (verb) => {
      const review = await client.request<{ status: { allowed: boolean } }>({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { namespace, verb, group, ...resourceOf(resource) } },
        },
      });
      return review.status.allowed ? verb : undefined;
    }),
  );
  return verdicts.filter((verb) => verb !== undefined);
}

/** `sensors/status` is a subresource. */
function resourceOf(text: string): { resource: string; subresource?: string } {
  const [resource = '', subresource] = text.split('/');
  return { resource, ...(subresource !== undefined && { subresource }) };
}

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;

const fireAs = async (access: KubernetesAccess, operation: ArgoWorkflowOperation, name: string, kind = 'Workflow') => {
  const trigger = argoWorkflowTrigger.create(dependenciesFor(access));
  const isSubmit = operation === 'submit';
  const metadata: JsonObject = isSubmit ? { generateName: name } : { name };
  const spec: JsonObject = isSubmit ? { spec: { workflowTemplateRef: { name: 't' } } } : {};
  const template = { source: {}, operation };
  return await trigger.fire(
    createFire(
      fixture.namespace,
      { apiVersion: ARGO, kind, metadata, ...spec },
      { template, fireId: `${operation}-${name}` },
    ),
  );
};

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: ReadonlyArray<{
          readonly image: string;
          readonly env: ReadonlyArray<{ readonly name: string; readonly value?: string }>;
          readonly volumeMounts: ReadonlyArray<{ readonly mountPath: string }>;
        }>;
        readonly volumes: ReadonlyArray<JsonObject>;
      };
    };
  };
}

describe('the manifests of deploy/', () => {
  it.each(DEPLOY_FOLDERS)('in %s are all accepted by the API server', async (folder) => {
    const objects = loadDeployManifests(fixture.namespace, folder);
    expect(objects.length).toBeGreaterThan(1);
    for (const object of objects) {
      // What beforeAll has created is there already; the server checks the rest of it first.
      await applyManifest(
        fixture.cluster,
        { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-x` } },
        { dryRun: true },
      );
    }
  });

  it.each(DEPLOY_FOLDERS)('in %s are all named by its kustomization', (folder) => {
    const files = readdirSync(join(repoRoot, folder)).filter(
      (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
    );
    expect([...readKustomization(folder).resources].sort()).toEqual(files.sort());
  });

  it('run every worker without root, on a read-only disk, with probes', () => {
    const deployments = DEPLOY_FOLDERS.flatMap((folder) => loadDeployManifests('argo', folder)).filter(
      ({ kind }) => kind === 'Deployment',
    );
    expect(deployments).toHaveLength(3);
    for (const { spec } of deployments) {
      expect(spec).toMatchObject({
        template: {
          spec: {
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [
              {
                livenessProbe: { httpGet: { path: '/healthz', port: 'health' } },
                readinessProbe: { httpGet: { path: '/readyz', port: 'health' } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
          },
        },
      });
    }
  });
});

describe('the component deploy/encrypted-payloads', () => {
  it('mounts the keys into both workers, at the path of the variable', async () => {
    const patch = parse(readFileSync(join(repoRoot, 'deploy/encrypted-payloads/mount-payload-keys.yaml'), 'utf8')) as {
      readonly spec: JsonObject;
    };
    const deployments = loadDeployManifests(fixture.namespace).filter(({ kind }) => kind === 'Deployment');
    for (const deployment of deployments) {
      await applyManifest(fixture.cluster, deployment);
      const merged = await fixture.cluster.client.request<Deployment>({
        method: 'PATCH',
        path: `/apis/apps/v1/namespaces/${fixture.namespace}/deployments/${deployment.metadata.name}`,
        query: { fieldValidation: 'Strict' },
        contentType: 'application/strategic-merge-patch+json',
        body: { spec: patch.spec },
      });
      const { containers, volumes } = merged.spec.template.spec;
      const [worker, ...others] = containers;
      expect([others, worker?.image]).toEqual([[], 'sluice']);
      expect(worker?.env).toContainEqual({ name: 'SLUICE_PAYLOAD_KEYS_FILE', value: '/payload-keys/keys' });
      expect(worker?.env.length).toBeGreaterThan(2);
      expect(worker?.volumeMounts.map(({ mountPath }) => mountPath).sort()).toEqual(['/payload-keys', '/tmp']);
      expect(volumes).toContainEqual(
        expect.objectContaining({ secret: { secretName: 'sluice-payload-keys', defaultMode: 0o440 } }),
      );
    }
  });
});

describe('the rights of the event source worker', () => {
  it('are to read Secrets and ConfigMaps by name, in its own namespace, and nothing else', async () => {
    const access = await openAs('sluice-event-source-worker');
    await fixture.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'redis' },
      stringData: { password: 'p' },
    });
    const reader = createSecretReader({ kubernetes: access, env: {} });
    expect(await reader.secret(fixture.namespace, { name: 'redis', key: 'password' })).toBe('p');
    expect(await allowed(access, '', 'secrets')).toEqual(['get']);
    expect(await allowed(access, '', 'configmaps')).toEqual(['get']);
    expect(await allowed(access, '', 'secrets', 'kube-system')).toEqual([]);
    expect(await allowed(access, 'argoproj.io', 'workflows')).toEqual([]);
    expect(await allowed(access, '', 'pods')).toEqual([]);
  });
});

describe('the rights of the controller', () => {
  it('are to follow its objects, to write their status and to record Events, and nothing else', async () => {
    const access = await openAs('sluice-controller');
    for (const plural of ['eventbus', 'eventsources', 'sensors']) {
      expect(await allowed(access, 'argoproj.io', plural)).toEqual(['list', 'watch']);
      expect(await allowed(access, 'argoproj.io', `${plural}/status`)).toEqual(['patch']);
      expect(await allowed(access, 'argoproj.io', plural, 'default')).toEqual([]);
    }
    expect(await allowed(access, '', 'events')).toEqual(['create']);
    expect(await allowed(access, '', 'services')).toEqual(['get', 'create', 'patch', 'delete']);
    expect(await allowed(access, '', 'secrets')).toEqual([]);
    expect(await allowed(access, '', 'configmaps')).toEqual([]);
    expect(await allowed(access, 'argoproj.io', 'workflows')).toEqual([]);
  });
});

describe('the rights of the sensor worker', () => {
  it('let it submit Workflows and follow them to completion', async () => {
    const access = await openAs('sluice-sensor-worker');
    await fixture.create({ apiVersion: ARGO, kind: 'WorkflowTemplate', metadata: { name: 't' }, spec: {} });
    const submitted = await fireAs(access, 'submit', 'by-rights-');
    expect(await fireAs(access, 'submit', 'by-rights-')).toEqual({ ...submitted, existed: true });
    await fireAs(access, 'submit-from', 't', 'WorkflowTemplate');
    const name = submitted.kind === 'object' ? submitted.object.name : '';
    await fixture.patch('workflows', name, { status: { phase: 'Succeeded' } });
    const signal = AbortSignal.timeout(20_000);
    for await (const outcome of watchWorkflowOutcomes({
      cluster: await access.open(),
      sensorName: 'water-bodies',
      namespace: fixture.namespace,
      signal,
    })) {
      expect(outcome).toMatchObject({ phase: 'Succeeded', object: { name } });
      break;
    }
  });

  it('are exactly these', async () => {
    const access = await openAs('sluice-sensor-worker');
    expect(await allowed(access, 'argoproj.io', 'workflows')).toEqual(['get', 'list', 'watch', 'create']);
    expect(await allowed(access, 'argoproj.io', 'workflowtemplates')).toEqual(['get']);
    expect(await allowed(access, 'argoproj.io', 'cronworkflows')).toEqual([]);
    expect(await allowed(access, '', 'secrets')).toEqual(['get']);
    expect(await allowed(access, '', 'configmaps')).toEqual(['get']);
    expect(await allowed(access, '', 'pods')).toEqual([]);
    expect(await allowed(access, 'rbac.authorization.k8s.io', 'roles')).toEqual([]);
    expect(await allowed(access, 'argoproj.io', 'workflows', 'default')).toEqual([]);
  });

  it('exclude other operations until these are granted, and the error names the manifest', async () => {
    const access = await openAs('sluice-sensor-worker');
    await fixture.create({
      apiVersion: ARGO,
      kind: 'Workflow',
      metadata: { name: 'op' },
      spec: {},
      status: { phase: 'Failed' },
    });
    const error = await failureOf(fireAs(access, 'retry', 'op'));
    expect(error).toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: false, context: { status: 403 } });
    expect(error.fix).toContain('deploy/');
    for (const object of loadDeployManifests(fixture.namespace, 'deploy/workflow-operations')) {
      await applyManifest(fixture.cluster, object);
    }
    await fireAs(access, 'retry', 'op');
    await fireAs(access, 'suspend', 'op');
    await fireAs(access, 'stop', 'op');
    await fireAs(access, 'resubmit', 'op');
    expect(await allowed(access, '', 'pods')).toEqual(['delete']);
    expect(await allowed(access, 'argoproj.io', 'workflows')).not.toContain('delete');
  });
});
