/** Server-side apply of native Kubernetes objects: WorkflowTemplates, ConfigMaps, Roles … */
import { describeError, isSluiceError, type SluiceError } from '../../errors/sluice-error';
import { createKubernetesAccess, type OpenCluster } from '../../kubernetes/access';
import { objectPath } from '../../kubernetes/object-path';
import { refusalOf } from '../../kubernetes/refusal';
import { identityOf, type ManifestDocument } from '../../validation/manifest-document';
import type { Problem } from '../../manifest/problem';
import type { ProcessEnvironment } from '../process-environment';

export type OtherDocument = Extract<ManifestDocument, { kind: 'other' }>;

export interface KubernetesApplied {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly action: 'created' | 'configured' | 'unchanged' | 'failed';
  /** Why it failed. */
  readonly problem?: Problem;
}

/** Applies each object, even if the API server rejects others. Throws KUBERNETES_UNREACHABLE. */
export async function applyToKubernetes(
  documents: readonly OtherDocument[],
  fallbackNamespace: string,
  dryRun: boolean,
  environment: ProcessEnvironment,
): Promise<KubernetesApplied[]> {
  const access = createKubernetesAccess({ env: { ...environment.env } });
  try {
    const cluster = await access.open();
    const applied: KubernetesApplied[] = [];
    // Sequential: a namespace must exist before the objects in it.
    for (const document of documents) {
      applied.push(
        await applyOne(cluster, document, fallbackNamespace, dryRun).catch((error: unknown) =>
          toFailed(document, error),
        ),
      );
    }
    return applied;
  } finally {
    access.close();
  }
}

async function applyOne(
  { client, discovery }: OpenCluster,
  document: OtherDocument,
  fallbackNamespace: string,
  dryRun: boolean,
): Promise<KubernetesApplied> {
  const { kind, name, namespace: ownNamespace } = identityOf(document);
  const { apiVersion } = document.object;
  if (typeof apiVersion !== 'string' || name === '') {
    const path = name === '' ? 'metadata.name' : 'apiVersion';
    return failed(document, { path, message: 'it is missing', fix: 'Only objects that have both can be applied.' });
  }
  const resource = await discovery.find(apiVersion, kind);
  const namespace = resource.namespaced ? (ownNamespace ?? fallbackNamespace) : undefined;
  const path = objectPath(resource, namespace, name);
  const before = await client.request<Stored>({ method: 'GET', path }).catch(absentIfNotFound);
  const after = await client.request<Stored>({
    method: 'PATCH',
    path,
    query: { fieldManager: 'sluice', force: true, ...(dryRun ? { dryRun: 'All' } : {}) },
    contentType: 'application/apply-patch+yaml',
    body: JSON.stringify(document.object),
  });
  const same = before?.metadata?.resourceVersion === after.metadata?.resourceVersion;
  return { kind, namespace, name, action: before === undefined ? 'created' : same ? 'unchanged' : 'configured' };
}

/** Server-side apply returns 500 for a field that is missing from the schema of the CustomResourceDefinition. */
const UNDECLARED = /(\.[^\s:]+): field not declared in schema/;

function toFailed(document: OtherDocument, error: unknown): KubernetesApplied {
  if (!isSluiceError(error) || isOfCluster(error)) throw error;
  const [, path] = UNDECLARED.exec(error.message) ?? [];
  if (path === undefined) return failed(document, { path: '', message: describeError(error) });
  return failed(document, {
    path: path.slice(1),
    message: 'the CustomResourceDefinition of this kind in the cluster has no such field',
    fix: 'Correct its name, or install the CustomResourceDefinition of the version that has it.',
  });
}

/** True for errors that every further object would meet, too. */
function isOfCluster({ code }: SluiceError): boolean {
  return code === 'KUBERNETES_UNREACHABLE' || code === 'KUBERNETES_MISCONFIGURED';
}

function failed(document: OtherDocument, found: Pick<Problem, 'path' | 'message' | 'fix'>): KubernetesApplied {
  const { kind, name, namespace } = identityOf(document);
  const problem: Problem = { severity: 'error', ...document.origin, object: `${kind}/${name}`, ...found };
  return { kind, name, ...(namespace !== undefined && { namespace }), action: 'failed', problem };
}

interface Stored {
  readonly metadata?: { readonly resourceVersion?: string };
}

function absentIfNotFound(error: unknown): undefined {
  if (refusalOf(error)?.status === 404) return undefined;
  throw error;
}
