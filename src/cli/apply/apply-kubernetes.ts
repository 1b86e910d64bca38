/** Server-side apply of objects that are Kubernetes' own: WorkflowTemplates, ConfigMaps, Roles … */
import { SluiceError } from '../../errors';
import { createKubernetesAccess, type OpenCluster } from '../../kubernetes/access';
import { objectPath } from '../../kubernetes/object-path';
import { refusalOf } from '../../kubernetes/refusal';
import type { ManifestDocument } from '../../manifest/manifest-document';
import type { CliIo } from '../io';
import { identityOf } from '../manifest-report';

export type OtherDocument = Extract<ManifestDocument, { kind: 'other' }>;

export interface KubernetesApplied {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly action: 'created' | 'configured' | 'unchanged';
}

export async function applyToKubernetes(
  documents: readonly OtherDocument[],
  fallbackNamespace: string,
  dryRun: boolean,
  io: CliIo,
): Promise<KubernetesApplied[]> {
  const access = createKubernetesAccess({ env: { ...io.env } });
  try {
    const cluster = await access.open();
    const applied: KubernetesApplied[] = [];
    // One after the other: a namespace must be there before what lives in it.
    for (const document of documents) applied.push(await applyOne(cluster, document, fallbackNamespace, dryRun));
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
    throw new SluiceError('MANIFEST_INVALID', {
      message: `${document.origin.file}:${document.origin.line}: ${kind} has no metadata.name`,
      fix: 'Only objects with a name can be applied',
    });
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

interface Stored {
  readonly metadata?: { readonly resourceVersion?: string };
}

function absentIfNotFound(error: unknown): undefined {
  if (refusalOf(error)?.status === 404) return undefined;
  throw error;
}
