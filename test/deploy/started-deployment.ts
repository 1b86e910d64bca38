/** A pod of a Deployment as a process: with the environment and the service account that the cluster says it has. */
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import { formatKubeconfig } from '../../dev/kubernetes/kubeconfig';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import type { OwnKubernetes } from '../../dev/servers';
import { startWorker, type RunningWorker, type WorkerEntry } from '../../dev/worker-process';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { requestToken } from './account-rules';
import { containerOf, type DeployedContainer } from './deployed-pod';

const ENTRIES: readonly WorkerEntry[] = ['event-source', 'sensor', 'controller'];

export async function startDeployment(
  kubernetes: OwnKubernetes,
  namespace: string,
  name: string,
): Promise<Pick<RunningWorker, 'stop' | 'logPath'>> {
  const api = await kubernetes.connect();
  const folder = await createTemporaryFolder(`deployment-${name}`);
  try {
    const { body } = await api.expect('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
    const container = containerOf(body as KubernetesObject);
    const entry = ENTRIES.find((candidate) => candidate === basename(container.args[0] ?? '', '.js'));
    if (entry === undefined) throw new Error(`${name} starts ${container.args.join(' ')}, which is no worker`);
    const token = await requestToken(kubernetes, { namespace, name: container.serviceAccountName });
    // In a pod the token is at a fixed path; here each process has its own.
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, formatKubeconfig(kubernetes.url, kubernetes.caPath, token, namespace));
    const worker = await startWorker(entry, {
      ...(await environmentOf(api, namespace, container)),
      KUBECONFIG: kubeconfig,
    });
    return {
      logPath: worker.logPath,
      stop: async () => {
        await worker.stop();
        await removeFolder(folder);
      },
    };
  } finally {
    api.close();
  }
}

/** As the kubelet puts it together. */
export async function environmentOf(
  api: ApiClient,
  namespace: string,
  { env, envFrom }: DeployedContainer,
): Promise<Readonly<Record<string, string>>> {
  const variables: Record<string, string> = {};
  const read = async (plural: string, name: string, isOptional = false): Promise<Record<string, string>> => {
    const { body } = await api.expect('GET', `/api/v1/namespaces/${namespace}/${plural}/${name}`, undefined, isOptional ? [404] : []); // prettier-ignore
    return (body as { data?: Record<string, string> }).data ?? {};
  };
  const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8');
  for (const { configMapRef, secretRef } of envFrom) {
    if (configMapRef !== undefined) Object.assign(variables, await read('configmaps', configMapRef.name));
    if (secretRef === undefined) continue;
    const data = await read('secrets', secretRef.name, secretRef.optional);
    for (const [name, value] of Object.entries(data)) variables[name] = decode(value);
  }
  for (const { name, value = '', valueFrom } of env) {
    if (valueFrom?.fieldRef?.fieldPath === 'metadata.namespace') variables[name] = namespace;
    else if (valueFrom?.secretKeyRef !== undefined) {
      variables[name] = decode((await read('secrets', valueFrom.secretKeyRef.name))[valueFrom.secretKeyRef.key] ?? '');
    } else if (valueFrom === undefined) variables[name] = value;
    else throw new Error(`${name} has a value from a place that this fixture does not know`);
  }
  return variables;
}
