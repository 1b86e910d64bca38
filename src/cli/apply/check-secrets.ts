/** Looks whether the Secrets that manifests name are there, before anything is applied. */
import { describeError, isSluiceError } from '../../errors';
import { createKubernetesAccess } from '../../kubernetes/access';
import { createSecretReader } from '../../kubernetes/secret-readers';
import type { Problem } from '../../manifest/problem';
import type { CliIo } from '../io';
import type { Desired } from './desired-objects';
import { findSecretReferences } from './secret-references';

export interface SecretCheck {
  readonly problems: readonly Problem[];
  /** Why some could not be looked for. The worker will look itself. */
  readonly unchecked?: string;
}

export async function checkSecrets(objects: readonly Desired[], io: CliIo): Promise<SecretCheck> {
  const env = { ...io.env };
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
      for (const { kind, path, ...selector } of findSecretReferences(object)) {
        try {
          await (kind === 'Secret' ? reader.secret(namespace, selector) : reader.configMap(namespace, selector));
        } catch (error) {
          // Without a cluster, or without the right to look, only the worker can know.
          const missing = isSluiceError(error) && error.code === 'SECRET_MISSING';
          if (!missing || !cluster || /not allowed/.test(error.message)) {
            unchecked ??= missing
              ? `${kind} ${namespace}/${selector.name} cannot be looked for from here`
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
