/** The contract of resource sources: where the object of a k8s or argoWorkflow trigger comes from. */
import type { JsonObject } from '../../event/json';
import type { SecretReader } from '../../kubernetes/secrets';
import type { ReadYamlObject } from './parse-object';

export interface ResourceSourceContext {
  /** Namespace of the Sensor: Secrets and ConfigMaps are read there. */
  readonly namespace: string;
  readonly secrets: SecretReader;
  readonly readYaml: ReadYamlObject;
  readonly signal: AbortSignal;
}

/** The content of a source: an object, or YAML or JSON text. `origin` names it in messages, without secrets. */
export type ResourceContent =
  { readonly object: JsonObject; readonly origin: string } | { readonly text: string; readonly origin: string };

/** Throws TRIGGER_SOURCE_UNREADABLE: retryable if transient (network), otherwise permanent. */
export type ReadResource<Spec> = (spec: Spec, context: ResourceSourceContext) => Promise<ResourceContent>;
