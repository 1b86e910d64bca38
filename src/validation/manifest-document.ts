/** One object of a manifest file that was read without errors. */
import type { KubernetesFields } from '../manifest/common';
import type { Manifest } from './parse-manifest';

/** Where an object was read. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** Any object that is not ours: a WorkflowTemplate, a Role, a ConfigMap … It is passed on as it is. */
export interface OtherObject {
  readonly kind: 'other';
  readonly object: KubernetesFields;
}

export type ManifestDocument = (Manifest | OtherObject) & { readonly origin: Origin };
