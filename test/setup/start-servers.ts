import { startKubernetes, startTemporal } from '../../dev/servers';
import findServerBinaries from './find-binaries';
import { offerKubernetes } from './shared-kubernetes';
import { sharedServers } from './shared-servers';

/**
 * Jest's global setup of the integration tests: one Temporal dev server and one API server for the whole run, whatever
 * the environment names: tests make and delete much. They get them by `startTemporal()` without options and by
 * `sharedKubernetes()`; a `sluice dev` in a test takes them for somebody's.
 */
export default async function startServers(): Promise<void> {
  await findServerBinaries();
  const temporal = await startTemporal({ own: true });
  sharedServers.push(temporal);
  const kubernetes = await startKubernetes({ own: true });
  sharedServers.push(kubernetes);
  process.env.SLUICE_DEV_TEMPORAL_ADDRESS = temporal.address;
  process.env.SLUICE_DEV_TEMPORAL_UI_URL = temporal.uiUrl;
  process.env.SLUICE_DEV_KUBECONFIG = kubernetes.kubeconfigPath;
  offerKubernetes(kubernetes);
}
