/** Looks up the service accounts that Sensors name, before they are applied: triggers act as these. */
import { createKubernetesAccess } from '../../kubernetes/access';
import { objectPath } from '../../kubernetes/object-path';
import { isNotFound } from '../../kubernetes/refusal';
import type { SensorSpec } from '../../manifest/sensor';
import { identityOf } from '../../validation/manifest-document';
import type { ProcessEnvironment } from '../process-environment';
import type { OtherDocument } from './apply-kubernetes';
import type { Desired } from './desired-objects';

const TIMEOUT_MS = 5_000;

/**
 * Returns a warning for each account that does not exist. Only the worker can tell whether it may act as one; without a
 * cluster, or without the right to read accounts, it reports a missing one too.
 *
 * @param arriving objects that will exist in the cluster before they are needed
 */
export async function missingAccounts(
  objects: readonly Desired[],
  arriving: readonly OtherDocument[],
  fallbackNamespace: string,
  environment: ProcessEnvironment,
): Promise<readonly string[]> {
  const named = objects.flatMap((object) => {
    if (object.kind !== 'Sensor' || !actsInCluster(object.definition.spec)) return [];
    const { namespace, name, spec } = object.definition;
    const account = spec.template?.serviceAccountName;
    return account ? [{ namespace, name, account }] : [];
  });
  const awaited = named.filter(
    ({ namespace, account }) =>
      !arriving.map(identityOf).some((other) => {
        const isAccount = other.kind === 'ServiceAccount' && other.name === account;
        return isAccount && (other.namespace ?? fallbackNamespace) === namespace;
      }),
  );
  if (awaited.length === 0) return [];
  const access = createKubernetesAccess({ env: { ...environment.env } });
  try {
    const { client } = await access.open();
    const warnings: string[] = [];
    for (const { namespace, name, account } of awaited) {
      const path = objectPath({ apiVersion: 'v1', plural: 'serviceaccounts' }, namespace, account);
      const isMissing = await client
        .request({ method: 'GET', path, timeoutMs: TIMEOUT_MS })
        .then(() => false, isNotFound);
      if (!isMissing) continue;
      warnings.push(
        `Sensor ${namespace}/${name}: spec.template.serviceAccountName: ServiceAccount ${namespace}/${account} does not exist, ` +
          'so its triggers in the cluster will fail until it does',
      );
    }
    return warnings;
  } catch {
    // No cluster from here.
    return [];
  } finally {
    access.close();
  }
}

function actsInCluster({ triggers }: SensorSpec): boolean {
  return triggers
    .flatMap((trigger) => [trigger, ...(trigger.dlqTrigger === undefined ? [] : [trigger.dlqTrigger])])
    .some(({ template }) => template.k8s !== undefined || template.argoWorkflow !== undefined);
}
