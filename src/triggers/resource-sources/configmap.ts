/** `source.configmap`: the object from a key of a ConfigMap in the Sensor's namespace. */
import type { KeySelector } from '../../kubernetes/secrets';
import { isSluiceError, SluiceError } from '../../errors/sluice-error';
import type { ReadResource } from './resource-source';

export const readConfigMap: ReadResource<KeySelector> = async ({ name, key }, { namespace, secrets }) => {
  const origin = `source.configmap ${namespace}/${name}, key ${key}`;
  try {
    return { text: await secrets.configMap(namespace, { name, key }), origin };
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: error.message,
      fix: error.fix,
      retryable: error.retryable,
      retryAfterMs: error.retryAfterMs,
      cause: error,
    });
  }
};
