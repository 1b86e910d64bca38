/** The account as which a trigger acts, and the manifest's field in errors about it. */
import type { ObjectName } from '../../src/contract/definitions';
import type { RunTrigger } from '../../src/contract/run-trigger';
import { isSluiceError, SluiceError } from '../../src/errors/sluice-error';
import type { AccountName } from '../../src/kubernetes/account-token';
import type { TriggerIdentity } from '../../src/kubernetes/trigger-identity';

const FIELD = 'spec.template.serviceAccountName';

/** Returns undefined for the worker's own rights. */
export function accountOf(
  { namespace }: ObjectName,
  { actsAs }: RunTrigger,
  identity: TriggerIdentity,
): AccountName | undefined {
  return identity === 'worker' || actsAs === undefined ? undefined : { namespace, name: actsAs };
}

/** Returns an error about the account with the manifest and the field that name it; others unchanged. */
export function namingField(error: unknown, { namespace, name }: ObjectName): unknown {
  if (!isSluiceError(error) || error.code !== 'SERVICE_ACCOUNT_UNUSABLE') return error;
  const { message, fix, retryable, retryAfterMs, context, cause } = error;
  return new SluiceError(error.code, {
    message: `Sensor ${namespace}/${name}: ${FIELD}: ${message}`,
    ...{ fix, retryable, retryAfterMs, cause },
    context: { ...context, sensor: `${namespace}/${name}`, path: FIELD },
  });
}
