/** Checks that the Secrets named in manifests exist, before anything is applied. */
import { describeError, isSluiceError } from '../../errors/sluice-error';
import { isJsonObject } from '../../event/json';
import { createKubernetesAccess } from '../../kubernetes/access';
import { createSecretReader } from '../../kubernetes/secret-readers';
import type { Problem } from '../../manifest/problem';
import { identityOf } from '../../validation/manifest-document';
import type { ProcessEnvironment } from '../process-environment';
import type { OtherDocument } from './apply-kubernetes';
import type { Desired } from './desired-objects';
import { findSecretReferences, type SecretReference } from './secret-references';

export interface SecretCheck {
  readonly problems: readonly Problem[];
  /** Why some could not be checked. The worker will check them itself. */
  readonly unchecked?: string;
}

/** @param arriving objects that will exist in the cluster before they are needed. */
export async function checkSecrets(
  objects: readonly Desired[],
  arriving: readonly OtherDocument[],
  fallbackNamespace: string,
  environment: ProcessEnvironment,
): Promise<SecretCheck> {
  const env = { ...environment.env };
  const kubernetes = createKubernetesAccess({ env });
  const reader = createSecretReader({ kubernetes, env });
  const problems: Problem[] = [];
  let unchecked: string | undefined;
  try {
    const cluster = await kubernetes.open().then(
      () => true,
      () => false,
    );
    for (const object of objects) {
      const { namespace, name } = object.definition;
      for (const reference of findSecretReferences(object)) {
        const { kind, path, ...selector } = reference;
        if (arriving.some((document) => provides(document, reference, namespace, fallbackNamespace))) continue;
        try {
          await (kind === 'Secret' ? reader.secret(namespace, selector) : reader.configMap(namespace, selector));
        } catch (error) {
          // Without a cluster, or without permission to read it, only the worker can tell.
          const missing = isSluiceError(error) && error.code === 'SECRET_MISSING';
          if (!missing || !cluster || /not allowed/.test(error.message)) {
            unchecked ??= missing
              ? `${kind} ${namespace}/${selector.name} cannot be checked from here`
              : describeError(error);
            continue;
          }
          problems.push({
            severity: 'error',
            file: object.origin?.file ?? '',
            line: object.origin?.line,
            object: `${object.kind}/${name}`,
            path,
            message: error.message,
            fix: error.fix,
          });
        }
      }
    }
  } finally {
    kubernetes.close();
  }
  return { problems, unchecked };
}

function provides(
  document: OtherDocument,
  { kind, name, key }: SecretReference,
  namespace: string,
  fallbackNamespace: string,
): boolean {
  const identity = identityOf(document);
  if (identity.kind !== kind || identity.name !== name) return false;
  const { data, stringData, binaryData } = document.object;
  const holds = [data, stringData, binaryData].some((fields) => isJsonObject(fields) && key in fields);
  return holds && (identity.namespace ?? fallbackNamespace) === namespace;
}
