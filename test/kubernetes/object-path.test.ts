import { groupPath, objectPath } from '../../src/kubernetes/object-path';

const configMaps = { apiVersion: 'v1', plural: 'configmaps' };

describe('the path of a Kubernetes object', () => {
  it.each([
    ['/api/v1/configmaps', configMaps, undefined, undefined],
    ['/api/v1/namespaces/argo/configmaps/x', configMaps, 'argo', 'x'],
    ['/apis/apps/v1/namespaces/a/deployments/b', { apiVersion: 'apps/v1', plural: 'deployments' }, 'a', 'b'],
    [
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
      { apiVersion: 'rbac.authorization.k8s.io/v1', plural: 'clusterroles' },
      undefined,
      'system:node',
    ],
  ])('is %s', (path, resource, namespace, name) => {
    expect(objectPath(resource, namespace, name)).toBe(path);
  });

  it.each(['a/b', 'a%2Fb', '%2e%2e', '..', '.', '', '../../secrets/x'])('rejects the name %j', (text) => {
    for (const path of [() => objectPath(configMaps, 'argo', text), () => objectPath(configMaps, text)]) {
      expect(refusalOf(path)).toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: false });
    }
  });

  it.each(['secrets?', 'secrets/', 'namespaces/b/secrets', 'pods/../secrets', '%73ecrets', 'Secrets', 'a\r\nb', ''])(
    'rejects the resource %j',
    (plural) => {
      const path = (): string => objectPath({ apiVersion: 'v1', plural }, 'argo');
      expect(refusalOf(path)).toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: false });
    },
  );

  it.each([
    'v1/../../api/v1',
    '../api/v1',
    'v1?x=',
    'v1#',
    'v1 HTTP/1.1',
    'é/v1',
    '__proto__',
    'v1\r\nX: y',
    '',
    '/v1',
  ])('rejects the apiVersion %j', (apiVersion) => {
    expect(refusalOf(() => groupPath(apiVersion))).toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: false });
  });
});

function refusalOf(path: () => string): unknown {
  try {
    return path();
  } catch (error) {
    return error;
  }
}
