import { restrictSecrets } from '../../src/kubernetes/secrets';
import { readPermissions, requireAllowedRequest, type CheckedRequest } from '../../src/kubernetes/worker-permissions';

const allowed = readPermissions({
  SLUICE_ALLOWED_NAMESPACES: 'tenant-a, shared',
  SLUICE_ALLOWED_KINDS: 'workflows.argoproj.io,pods,deployments.apps,secrets',
  SLUICE_ALLOWED_SERVICE_ACCOUNTS: 'runner',
  SLUICE_ALLOWED_SECRETS: 'redis',
});
const argo = '/apis/argoproj.io/v1alpha1';
const inA = `${argo}/namespaces/tenant-a/workflows`;
const workflow = (spec: object) => ({ kind: 'Workflow', metadata: { name: 'w' }, spec });
const post = (path: string, body: unknown): CheckedRequest => ({ method: 'POST', path, body });
const runner = { serviceAccountName: 'runner' };

describe('a worker with permissions', () => {
  it.each<[string, CheckedRequest]>([
    ['create a Workflow under an allowed account', post(inA, workflow(runner))],
    ['refer to a template, which is not checked', post(inA, workflow({ workflowTemplateRef: { name: 't' } }))],
    ['stop one', { method: 'PATCH', path: `${inA}/w`, body: { spec: { shutdown: 'Stop' } } }],
    ['watch Workflows', { method: 'GET', path: inA }],
    ['read a cluster-scoped object', { method: 'GET', path: `${argo}/clusterworkflowtemplates/t` }],
    ['discover kinds', { method: 'GET', path: argo }],
    ['read an allowed Secret', { method: 'GET', path: '/api/v1/namespaces/shared/secrets/redis' }],
    ['delete a Pod', { method: 'DELETE', path: '/api/v1/namespaces/tenant-a/pods/p' }],
    ['create resources with the word in a text', post(inA, workflow({ ...runner, x: 'serviceAccountName: a' }))],
  ])('may %s', (_name, request) => {
    expect(() => requireAllowedRequest(allowed, request)).not.toThrow();
  });

  it.each<[string, string, CheckedRequest]>([
    ['write in another namespace', 'NAMESPACES', post(`${argo}/namespaces/argo/workflows`, workflow(runner))],
    ['read in another namespace', 'NAMESPACES', { method: 'GET', path: `${argo}/namespaces/argo/workflows/w` }],
    [
      'write in another namespace in encoded letters',
      'NAMESPACES',
      post(`${argo}/namespaces/%61rgo/workflows`, workflow(runner)),
    ],
    ['list all namespaces', 'NAMESPACES', { method: 'GET', path: `${argo}/workflows` }],
    ['delete a namespace', 'NAMESPACES', { method: 'DELETE', path: '/api/v1/namespaces/tenant-a' }],
    ['write a cluster-scoped object', 'NAMESPACES', post('/apis/rbac.authorization.k8s.io/v1/clusterroles', {})],
    ['write another kind', 'KINDS', post('/api/v1/namespaces/tenant-a/configmaps', { metadata: { name: 'c' } })],
    [
      'write a kind of another group',
      'KINDS',
      post('/apis/evil.io/v1/namespaces/tenant-a/workflows', workflow(runner)),
    ],
    ['read another Secret', 'SECRETS', { method: 'GET', path: '/api/v1/namespaces/tenant-a/secrets/admin' }],
    ['list Secrets', 'SECRETS', { method: 'GET', path: '/api/v1/namespaces/tenant-a/secrets' }],
    ['create another Secret', 'SECRETS', post('/api/v1/namespaces/tenant-a/secrets', { metadata: { name: 'admin' } })],
    ['run under another account', 'SERVICE_ACCOUNTS', post(inA, workflow({ serviceAccountName: 'argo' }))],
    ['run under the default account', 'SERVICE_ACCOUNTS', post(inA, workflow({}))],
    ['name one in a template', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, templates: [{ serviceAccountName: 'argo' }] }))], // prettier-ignore
    ['name one for the executor', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, executor: { serviceAccountName: 'argo' } }))], // prettier-ignore
    ['leave it to a parameter', 'SERVICE_ACCOUNTS', post(inA, workflow({ serviceAccountName: '{{workflow.parameters.sa}}' }))], // prettier-ignore
    ['patch the Pod', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, podSpecPatch: '{"serviceAccountName":"argo"}' }))], // prettier-ignore
    ['patch the Pod in escaped letters', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, podSpecPatch: '{"\\u0073erviceAccountName":"argo"}' }))], // prettier-ignore
    ['patch the Pod in letters that Go treats as equal', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, podSpecPatch: '{"\u017ferviceaccountname":"argo"}' }))], // prettier-ignore
    ['patch the Pod by a tag of YAML', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, podSpecPatch: '? !!binary c2VydmljZUFjY291bnROYW1l\n: argo' }))], // prettier-ignore
    ['name the account in other letters', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, serviceaccountname: 'argo' }))], // prettier-ignore
    ['patch the Pod by a parameter', 'SERVICE_ACCOUNTS', post(inA, workflow({ ...runner, podSpecPatch: '{{inputs.parameters.p}}' }))], // prettier-ignore
    ['use the old name of the field', 'SERVICE_ACCOUNTS', post('/api/v1/namespaces/tenant-a/pods', { kind: 'Pod', spec: { ...runner, serviceAccount: 'argo' } })], // prettier-ignore
    ['run a Pod under the default account', 'SERVICE_ACCOUNTS', post('/api/v1/namespaces/tenant-a/pods', { kind: 'Pod', spec: {} })], // prettier-ignore
    ['run a Deployment under another', 'SERVICE_ACCOUNTS', post('/apis/apps/v1/namespaces/tenant-a/deployments', { kind: 'Deployment', spec: { template: { spec: { serviceAccountName: 'argo' } } } })], // prettier-ignore
    ['change it by a merge patch', 'SERVICE_ACCOUNTS', { method: 'PATCH', path: `${inA}/w`, body: { spec: { serviceAccountName: 'argo' } } }], // prettier-ignore
    ['change it by a JSON patch', 'SERVICE_ACCOUNTS', { method: 'PATCH', path: `${inA}/w`, body: [{ op: 'replace', path: '/spec/serviceAccountName', value: 'argo' }] }], // prettier-ignore
    ['copy it by a JSON patch', 'SERVICE_ACCOUNTS', { method: 'PATCH', path: `${inA}/w`, body: [{ op: 'copy', from: '/metadata/name', path: '/spec/serviceAccountName' }] }], // prettier-ignore
  ])('may not %s', (_name, setting, request) => {
    const code = 'WORKER_RESTRICTED';
    const message = expect.stringContaining(`SLUICE_ALLOWED_${setting}`) as string;
    expect(() => requireAllowedRequest(allowed, request)).toThrow(
      expect.objectContaining({ code, message, retryable: false }) as Error,
    );
  });

  it('is not restricted by unset settings', () => {
    const request = post(`${argo}/namespaces/argo/workflows`, workflow({ serviceAccountName: 'argo' }));
    expect(() => requireAllowedRequest(readPermissions({}), request)).not.toThrow();
  });

  it('reads no forbidden Secret, from any place', async () => {
    const reader = restrictSecrets(
      { secret: () => Promise.resolve('s'), configMap: () => Promise.resolve('c') },
      allowed,
    );
    expect(await reader.secret('tenant-a', { name: 'redis', key: 'k' })).toBe('s');
    expect(await reader.configMap('tenant-a', { name: 'any', key: 'k' })).toBe('c');
    for (const refused of [
      reader.secret('tenant-a', { name: 'admin', key: 'k' }),
      reader.secret('argo', { name: 'redis', key: 'k' }),
      reader.configMap('argo', { name: 'any', key: 'k' }),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: 'WORKER_RESTRICTED', retryable: false });
    }
  });

  it('may be allowed nothing, but not by an empty setting', () => {
    expect(readPermissions({ SLUICE_ALLOWED_SECRETS: 'none' }).secrets?.size).toBe(0);
    for (const text of ['', ' ', 'a,,b', 'Nein!', '*']) {
      expect(() => readPermissions({ SLUICE_ALLOWED_SECRETS: text })).toThrow(
        expect.objectContaining({ code: 'USAGE' }) as Error,
      );
    }
  });
});

describe('the Secrets of Sluice itself', () => {
  const env = { SLUICE_WITHHELD_SECRETS: 'sluice-admission, sluice-temporal', SLUICE_SECRETS_NAMESPACE: 'sluice' };
  const withholding = readPermissions(env);
  const secrets = (namespace: string, rest = ''): CheckedRequest => ({
    method: 'GET',
    path: `/api/v1/namespaces/${namespace}/secrets${rest}`,
  });
  const reader = restrictSecrets(
    { secret: (_, { name }) => Promise.resolve(name), configMap: (_, { name }) => Promise.resolve(name) },
    withholding,
  );

  it.each([
    ['read', secrets('sluice', '/sluice-admission')],
    ['read in encoded letters', secrets('sluice', '/%73luice-admission')],
    ['listed', secrets('sluice')],
    ['listed with those of all namespaces', { method: 'GET', path: '/api/v1/secrets' }],
    ['written', { ...secrets('sluice', '/sluice-temporal'), method: 'PUT' }],
    ['replaced', post('/api/v1/namespaces/sluice/secrets', { metadata: { name: 'sluice-temporal' } })],
  ])('are not %s for a manifest', (_what, request) => {
    expect(() => requireAllowedRequest(withholding, request)).toThrow('SLUICE_WITHHELD_SECRETS');
  });

  it('are in no field of a manifest, wherever they are looked up', async () => {
    const refused = reader.secret('sluice', { name: 'sluice-admission', key: 'ca.key' });
    await expect(refused).rejects.toMatchObject({ code: 'WORKER_RESTRICTED', retryable: false });
  });

  it('keep no other Secret from manifests, nor one of a tenant that has the same name', async () => {
    await expect(reader.secret('sluice', { name: 'redis', key: 'k' })).resolves.toBe('redis');
    await expect(reader.secret('tenant', { name: 'sluice-temporal', key: 'k' })).resolves.toBe('sluice-temporal');
    expect(() => requireAllowedRequest(withholding, secrets('tenant', '/sluice-temporal'))).not.toThrow();
  });

  it('are withheld in every namespace, if the worker does not know its own', () => {
    const everywhere = readPermissions({ ...env, SLUICE_SECRETS_NAMESPACE: '*' });
    expect(() => requireAllowedRequest(everywhere, secrets('tenant', '/sluice-temporal'))).toThrow('sluice-temporal');
  });
});
