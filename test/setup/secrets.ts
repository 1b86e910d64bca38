import { SluiceError } from '../../src/errors/sluice-error';
import type { KeySelector, SecretReader } from '../../src/kubernetes/secrets';

/** A reader of `{ 'name/key': value }`; Secrets and ConfigMaps share the table, which is all that tests need. */
export function secretsFrom(values: Readonly<Record<string, string>> = {}): SecretReader {
  const read = (_namespace: string, { name, key }: KeySelector): Promise<string> => {
    const value = values[`${name}/${key}`];
    return value === undefined
      ? Promise.reject(new SluiceError('SECRET_MISSING', { message: `${name} has no key ${key}` }))
      : Promise.resolve(value);
  };
  return { secret: read, configMap: read };
}
