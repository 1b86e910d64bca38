/** A namespace in which Argo Events ran: its objects, what its controller made for them, and the scripts of a plan. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { tools } from '../../dev/binaries/catalogue';
import { findBinary } from '../../dev/binaries/find-binary';
import { repoRoot } from '../../dev/repo-root';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { startControlledNamespace, type ControlledNamespace } from '../controller/controlled-namespace';

export interface ArgoCluster extends ControlledNamespace {
  /** Creates an object of any kind; `path`: of its collection, without the namespace. */
  create(root: string, plural: string, object: object): Promise<KubernetesObject>;
  read(root: string, plural: string, name: string): Promise<KubernetesObject>;
  /** As the controller of Argo Events makes it for an object. */
  deploy(kind: 'sensor' | 'eventsource', name: string): Promise<void>;
  /** Runs the lines of a step, each of which must succeed, with kubectl and `npx sluice` for this cluster. */
  script(lines: readonly string[]): Promise<string>;
}

export async function startArgoCluster(): Promise<ArgoCluster> {
  const cluster = await startControlledNamespace();
  const { name: namespace, api } = cluster.namespace;
  const bin = await mkdtemp(path.join(tmpdir(), 'sluice-plan-'));
  const npx = path.join(bin, 'npx');
  await writeFile(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${repoRoot}/dist/src/cli/main.js" "$@"\n`);
  await chmod(npx, 0o755);
  const kubectl = path.dirname(await findBinary(tools.kubectl));
  const create = async (root: string, plural: string, object: object): Promise<KubernetesObject> => {
    const { body } = await api.expect('POST', `${root}/namespaces/${namespace}/${plural}`, object);
    return body as KubernetesObject;
  };
  return {
    ...cluster,
    create,
    read: async (root, plural, name) => {
      const { body } = await api.expect('GET', `${root}/namespaces/${namespace}/${plural}/${name}`);
      return body as KubernetesObject;
    },
    deploy: async (kind, name) => {
      const labels = { controller: `${kind}-controller`, [`${kind}-name`]: name, 'owner-name': name };
      await create('/apis/apps/v1', 'deployments', deployment(`${name}-${kind}-x7f2k`, labels, [`${kind}-service`]));
    },
    script: async (lines) => {
      const env = {
        ...process.env,
        ...cluster.environment,
        PATH: [bin, kubectl, process.env.PATH].join(path.delimiter),
      };
      const { stdout, stderr } = await promisify(execFile)('sh', ['-e', '-c', lines.join('\n')], {
        env,
        cwd: repoRoot,
      });
      return stdout + stderr;
    },
    stop: async () => {
      await cluster.stop();
      await rm(bin, { recursive: true });
    },
  };
}

export function deployment(name: string, labels: Readonly<Record<string, string>>, args: readonly string[]): object {
  return {
    metadata: { name, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'quay.io/argoproj/argo-events:v1.9.11', args }] },
      },
    },
  };
}
