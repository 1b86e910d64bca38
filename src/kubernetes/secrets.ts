/** Where passwords and tokens come from. Implementations: Kubernetes API, mounted files, environment. */
import { requireNamespace, requireSecret, type WorkerPermissions } from './worker-permissions';

/** `{name, key}` as manifests write it (Kubernetes SecretKeySelector and ConfigMapKeySelector). */
export interface KeySelector {
  readonly name: string;
  readonly key: string;
}

export interface SecretReader {
  /**
   * Returns the value of one key of a Secret, with one trailing newline removed as Argo Events does. Throws
   * SECRET_MISSING naming secret and key, never a value.
   */
  secret(namespace: string, selector: KeySelector): Promise<string>;
  /** The same for a ConfigMap. */
  configMap(namespace: string, selector: KeySelector): Promise<string>;
}

/** Restricts a reader to what the worker may use. Throws WORKER_RESTRICTED (permanent) for everything else. */
export function restrictSecrets(reader: SecretReader, permissions: WorkerPermissions): SecretReader {
  return {
    async secret(namespace, selector) {
      requireSecret(permissions, namespace, selector.name);
      return await reader.secret(namespace, selector);
    },
    async configMap(namespace, selector) {
      requireNamespace(permissions, namespace);
      return await reader.configMap(namespace, selector);
    },
  };
}
