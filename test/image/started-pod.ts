/** A pod of a Deployment, started from the built image with all that the Deployment gives it. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltImage } from '../../dev/image/build-image';
import { startContainer } from '../../dev/image/container';
import { startOnFreePorts } from '../../dev/processes/free-ports';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import type { OwnKubernetes } from '../../dev/servers';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { SERVICE_ACCOUNT_DIR } from '../../src/kubernetes/load-connection';
import { requestToken } from '../deploy/account-rules';
import { containerOf } from '../deploy/deployed-pod';
import { environmentOf } from '../deploy/started-deployment';

export interface StartedPod {
  readonly healthUrl: string;
  readonly metricsUrl: string;
  readonly pid: number;
  readLog(): Promise<string>;
  /** SIGTERM, then SIGKILL after the pod's grace period. Resolves with the exit code; null if it was killed. */
  terminate(): Promise<number | null | undefined>;
  remove(): Promise<void>;
}

/** Resolves once the readiness probe succeeds. */
export async function startPod(
  image: BuiltImage,
  kubernetes: OwnKubernetes,
  namespace: string,
  name: string,
): Promise<StartedPod> {
  const api = await kubernetes.connect();
  const account = await createTemporaryFolder('account');
  try {
    const { body } = await api.expect('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
    const container = containerOf(body as KubernetesObject);
    const token = await requestToken(kubernetes, { namespace, name: container.serviceAccountName });
    const content = { token, namespace, 'ca.crt': await readFile(kubernetes.caPath, 'utf8') };
    await chmod(account, 0o755);
    for (const [file, text] of Object.entries(content)) await writeFile(join(account, file), text, { mode: 0o644 });
    const { hostname, port } = new URL(kubernetes.url);
    const given = await environmentOf(api, namespace, container);
    const tmp = container.volumes.find((volume) => volume.name === 'tmp')?.emptyDir?.sizeLimit ?? '';
    return await startOnFreePorts([undefined, undefined], async (healthPort, metricsPort) => {
      const healthUrl = `http://127.0.0.1:${healthPort}`;
      const server = await startContainer(image, {
        args: container.args,
        environment: {
          ...given,
          KUBERNETES_SERVICE_HOST: hostname,
          KUBERNETES_SERVICE_PORT: port,
          // Pods have a network each; here they share that of the machine.
          SLUICE_HEALTH_PORT: String(healthPort),
          SLUICE_METRICS_PORT: String(metricsPort),
        },
        mounts: { [SERVICE_ACCOUNT_DIR]: account },
        memoryBytes: bytesOf(container.resources.limits.memory),
        tmpBytes: bytesOf(tmp),
        graceMs: container.terminationGracePeriodSeconds * 1000,
        isReady: async () => (await fetch(`${healthUrl}/readyz`)).ok,
      });
      return {
        healthUrl,
        metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
        pid: server.pid(),
        readLog: () => readFile(server.logPath, 'utf8'),
        terminate: async () => {
          await server.terminate();
          return server.exitCode();
        },
        remove: async () => {
          await server.stop();
          await removeFolder(account);
        },
      };
    });
  } catch (error) {
    await removeFolder(account);
    throw error;
  } finally {
    api.close();
  }
}

function bytesOf(quantity: string): number {
  const [, count = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
  if (count === '') throw new Error(`${quantity} is no quantity that this fixture knows`);
  return Number(count) * 1024 ** (unit === 'Gi' ? 3 : 2);
}
