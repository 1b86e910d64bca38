/** The manifests of deploy/ as kustomize would apply them to one namespace. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import type { OpenCluster } from '../../src/kubernetes/access';
import { objectPath } from '../../src/kubernetes/object-path';
import { parseKubernetesObject, type KubernetesObject } from '../../src/kubernetes/kubernetes-object';

/** Folders with a kustomization of their own. */
export const DEPLOY_FOLDERS = ['deploy', 'deploy/controller', 'deploy/workflow-operations'] as const;

interface Kustomization {
  namespace: string;
  images?: { name: string; newTag: string }[];
  resources: string[];
}

export function readKustomization(folder: string): Kustomization {
  return parse(readFileSync(join(repoRoot, folder, 'kustomization.yaml'), 'utf8')) as Kustomization;
}

/** Every object of a folder as `kubectl apply -n <namespace>` would apply it: only `metadata.namespace` is set. */
export function loadDeployManifests(
  namespace: string,
  folder: (typeof DEPLOY_FOLDERS)[number] = 'deploy',
): KubernetesObject[] {
  const { resources } = readKustomization(folder);
  return resources.flatMap((file) =>
    parseAllDocuments(readFileSync(join(repoRoot, folder, file), 'utf8')).map((document) => {
      const object = parseKubernetesObject(document.toJS(), `${folder}/${file}`);
      return { ...object, metadata: { ...object.metadata, namespace } };
    }),
  );
}

/** Creates one object; `dryRun` lets the server check everything and keep nothing. */
export async function applyManifest(
  { client, discovery }: OpenCluster,
  object: KubernetesObject,
  options: { dryRun?: boolean } = {},
): Promise<void> {
  const resource = await discovery.find(object.apiVersion, object.kind);
  await client.request({
    method: 'POST',
    path: objectPath(resource, object.metadata.namespace),
    query: { fieldValidation: 'Strict', ...(options.dryRun ? { dryRun: 'All' } : {}) },
    body: object,
  });
}
