import { announce } from './progress';
import { startArgoControllerStandIn } from './argo-controller-stand-in';
import { startKubernetes, startNats, startRedis, startStacApi, startTemporal } from './servers';

interface Stoppable {
  stop(): Promise<void>;
}

/** `npm run servers`: every server, with a stand-in for the Argo controller, until Ctrl-C. */
async function main(): Promise<void> {
  const running: Stoppable[] = [];
  const stopAll = async () => {
    await Promise.allSettled(running.splice(0).map((server) => server.stop()));
  };
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  const keep = async <T extends Stoppable>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    running.push(server);
    return server;
  };

  try {
    await Promise.race([startAll(keep), ended]);
    await ended;
  } finally {
    announce('stopping');
    await stopAll();
  }
}

async function startAll(keep: <T extends Stoppable>(starting: Promise<T>) => Promise<T>): Promise<void> {
  const redis = await keep(startRedis());
  const nats = await keep(startNats());
  const temporal = await keep(startTemporal());
  const kubernetes = await keep(startKubernetes());
  const stac = await keep(startStacApi());
  if (kubernetes.ownership === 'own') await keep(startArgoControllerStandIn({ kubernetes }));

  const addresses: [string, string, string][] = [
    ['Redis', 'SLUICE_DEV_REDIS_URL', redis.url],
    ['NATS', 'SLUICE_DEV_NATS_URL', nats.url],
    ['Temporal', 'SLUICE_DEV_TEMPORAL_ADDRESS', temporal.address],
    ['Temporal UI', 'SLUICE_DEV_TEMPORAL_UI_URL', temporal.uiUrl],
    ['Kubernetes', 'SLUICE_DEV_KUBECONFIG', kubernetes.kubeconfigPath],
    ['STAC API', 'SLUICE_DEV_STAC_URL', stac.url],
  ];
  for (const [name, , address] of addresses) console.log(`${name.padEnd(12)} ${address}`);
  console.log(`\nFor other shells:\n${addresses.map(([, name, address]) => `export ${name}=${address}`).join('\n')}`);
  console.log(`\n${kubernetes.kubectlHint}`);
  const controller = {
    own: 'Workflows are ended by a stand-in, not by Argo',
    external: 'Workflows are those of the cluster',
  };
  console.log(`\n${controller[kubernetes.ownership]}. Ctrl-C stops everything that was started here.`);
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  })
  // A server that was still starting at the interruption ends with this process.
  .finally(() => process.exit());
