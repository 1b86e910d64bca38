/** The API server that the integration tests of a run share. */
import { readFile } from 'node:fs/promises';
import { createApiClient } from '../../dev/kubernetes/api-client';
import { refusedOutage } from '../../dev/processes/outage';
import { createServiceAccountToken } from '../../dev/kubernetes/service-account-token';
import type { OwnKubernetes } from '../../dev/servers';

/** Read by the processes of jest's workers, which did not start the server themselves. */
const VARIABLE = 'SLUICE_TEST_KUBERNETES';

type Offered = Pick<OwnKubernetes, 'url' | 'kubeconfigPath' | 'kubectlHint' | 'caPath' | 'adminToken'>;

export function offerKubernetes({ url, kubeconfigPath, kubectlHint, caPath, adminToken }: OwnKubernetes): void {
  const offered: Offered = { url, kubeconfigPath, kubectlHint, caPath, adminToken };
  process.env[VARIABLE] = JSON.stringify(offered);
}

/** As `startKubernetes`, for a test that shares the server and so cannot stop it. */
export async function sharedKubernetes(): Promise<OwnKubernetes> {
  const text = process.env[VARIABLE];
  if (text === undefined) throw new Error('the API server of the test run is missing: is this an integration test?');
  const offered = JSON.parse(text) as Offered;
  const address = { url: offered.url, ca: await readFile(offered.caPath, 'utf8'), token: offered.adminToken };
  const connect = () => Promise.resolve(createApiClient(address));
  const refuse = () =>
    Promise.reject(new Error('the API server is shared: start one with { own: true } for an outage'));
  return {
    ownership: 'own',
    ...offered,
    connect,
    serviceAccountToken: async (namespace, name) => {
      const api = await connect();
      try {
        return await createServiceAccountToken(api, namespace, name);
      } finally {
        api.close();
      }
    },
    stop: () => Promise.resolve(),
    stopKeepingData: refuse,
    restart: refuse,
    outages: { apiServer: refusedOutage(refuse), etcd: refusedOutage(refuse) },
  };
}
