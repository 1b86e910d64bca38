/** One object of a manifest file that was read without errors. */
import type { KubernetesFields } from '../manifest/common';
import type { Manifest } from './parse-manifest';

/** Where an object was read. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** Any object of another kind: a WorkflowTemplate, a Role, a ConfigMap … It is passed on unchanged. */
export interface OtherObject {
  readonly kind: 'other';
  readonly object: KubernetesFields;
}

export type ManifestDocument = (Manifest | OtherObject) & { readonly origin: Origin };

export function identityOf(document: ManifestDocument): { kind: string; name: string; namespace?: string } {
  if (document.kind !== 'other') {
    const { name, namespace } = document.object.metadata;
    return { kind: document.kind, name, namespace };
  }
  const { kind, metadata } = document.object;
  const fields = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? metadata : {};
  return { kind: textOf(kind) ?? '', name: textOf(fields['name']) ?? '', namespace: textOf(fields['namespace']) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
