import { startKubernetes, startTemporal } from '../../dev/servers';
import findServerBinaries from './find-binaries';
import { sharedServers } from './shared-servers';

/**
 * Jest's global setup of the integration tests: one Temporal dev server and one API server for the whole run. Tests get
 * them by `startTemporal()` and `startKubernetes()` without options, which obey the addresses set here.
 */
export default async function startServers(): Promise<void> {
  await findServerBinaries();
  const temporal = await startTemporal();
  sharedServers.push(temporal);
  const kubernetes = await startKubernetes();
  sharedServers.push(kubernetes);
  process.env.SLUICE_DEV_TEMPORAL_ADDRESS = temporal.address;
  process.env.SLUICE_DEV_TEMPORAL_UI_URL = temporal.uiUrl;
  process.env.SLUICE_DEV_KUBECONFIG = kubernetes.kubeconfigPath;
}
