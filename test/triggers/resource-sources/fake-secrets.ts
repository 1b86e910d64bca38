import { SluiceError } from '../../../src/errors';
import type { KeySelector, SecretReader } from '../../../src/kubernetes/secrets';

/** `name/key` → value, for Secrets and ConfigMaps alike. */
export function secretsFrom(values: Readonly<Record<string, string>>): SecretReader {
  const read = (_namespace: string, { name, key }: KeySelector) => {
    const value = values[`${name}/${key}`];
    return value === undefined
      ? Promise.reject(new SluiceError('SECRET_MISSING', { message: `${name} has no key ${key}` }))
      : Promise.resolve(value);
  };
  return { secret: read, configMap: read };
}
