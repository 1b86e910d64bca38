import { Connection } from '@temporalio/client';
import { readKubeconfig } from '../../dev/kubernetes/kubeconfig';
import { createApiClient } from '../../dev/kubernetes/api-client';
import { startTemporal } from '../../dev/servers';
import { SEARCH_ATTRIBUTES } from '../../src/contract/search-attributes';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { createTestNamespace } from '../setup/test-namespace';

describe('the shared servers of a test run', () => {
  it('offer a Temporal namespace with the search attributes of Sluice', async () => {
    const temporal = await startTemporal();
    const connection = await Connection.connect({ address: temporal.address });
    try {
      const known = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      const names = Object.keys(known.customAttributes ?? {});
      expect(names).toEqual(expect.arrayContaining(SEARCH_ATTRIBUTES.map(({ name }) => name)));
    } finally {
      await connection.close();
    }
  });

  it('offer a Temporal web interface', async () => {
    const { uiUrl } = await startTemporal();
    const page = await fetch(uiUrl);
    expect(page.status).toBe(200);
  });

  it('offer a kubeconfig whose user may create Argo Workflows and write their status', async () => {
    const kubernetes = await sharedKubernetes();
    const namespace = await createTestNamespace(kubernetes);
    try {
      const api = createApiClient(await readKubeconfig(kubernetes.kubeconfigPath));
      const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace.name}/workflows`;
      const workflow = {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Workflow',
        metadata: { generateName: 'try-' },
        spec: { entrypoint: 'main', anything: { goes: true } },
        status: { phase: 'Running' },
      };
      const { body } = await api.expect('POST', path, workflow);
      expect(body).toMatchObject({ spec: workflow.spec, status: workflow.status });
      api.close();
    } finally {
      await namespace.remove();
    }
  });

  it('give a ServiceAccount a token that the API server accepts but that grants nothing', async () => {
    const kubernetes = await sharedKubernetes();
    const namespace = await createTestNamespace(kubernetes);
    const token = await kubernetes.serviceAccountToken(namespace.name, 'argo');
    const { ca } = await readKubeconfig(kubernetes.kubeconfigPath);
    const api = createApiClient({ url: kubernetes.url, ca, token });
    const { body } = await api.expect('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
    });
    const userName = `system:serviceaccount:${namespace.name}:argo`;
    expect(body).toMatchObject({ status: { userInfo: { username: userName } } });
    const { status } = await api.send('GET', `/api/v1/namespaces/${namespace.name}/secrets`);
    expect(status).toBe(403);
    api.close();
    await namespace.remove();
  });
});
