/** Headers of requests and records: precedence among layers, and which values are secret. */
import { SluiceError } from '../errors/sluice-error';
import type { KeySelector, SecretReader } from '../kubernetes/secrets';
import type { BasicAuth, SecureHeader } from '../manifest/common';

/** The source of one header's value. */
type HeaderValue =
  | { readonly from: 'manifest'; readonly text: string }
  | { readonly from: 'secret' | 'configMap'; readonly selector: KeySelector }
  | { readonly from: 'basicAuth'; readonly basicAuth: BasicAuth };

export interface NamedHeader {
  readonly name: string;
  readonly value: HeaderValue;
}

/** Merges layers; later ones win, ignoring case. Names keep their spelling. */
export function layHeaders(...layers: ReadonlyArray<readonly NamedHeader[]>): NamedHeader[] {
  const composed = new Map<string, NamedHeader>();
  for (const header of layers.flat()) composed.set(header.name.toLowerCase(), header);
  return [...composed.values()];
}

export function plainHeaders(headers: Readonly<Record<string, string | undefined>> = {}): NamedHeader[] {
  return Object.entries(headers)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([name, text]) => ({ name, value: { from: 'manifest', text } }));
}

/** Throws TRIGGER_REFUSED for a header whose value has no source. */
export function secureHeaders(headers: readonly SecureHeader[] = []): NamedHeader[] {
  return headers.map((header) => ({ name: header.name, value: secureValue(header) }));
}

export function basicAuthHeader(basicAuth: BasicAuth | undefined): NamedHeader[] {
  return basicAuth ? [{ name: 'Authorization', value: { from: 'basicAuth', basicAuth } }] : [];
}

/** Reads the values that come from Secrets and ConfigMaps. Throws SECRET_MISSING. */
export async function resolveHeaders(
  composed: readonly NamedHeader[],
  namespace: string,
  secrets: SecretReader,
): Promise<Record<string, string>> {
  const resolve = async (value: HeaderValue): Promise<string> => {
    switch (value.from) {
      case 'manifest':
        return value.text;
      case 'configMap':
        return secrets.configMap(namespace, value.selector);
      case 'secret':
        return secrets.secret(namespace, value.selector);
      case 'basicAuth': {
        const read = (selector?: KeySelector) => (selector ? secrets.secret(namespace, selector) : '');
        const [user, password] = await Promise.all([read(value.basicAuth.username), read(value.basicAuth.password)]);
        return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      }
    }
  };
  const entries = await Promise.all(
    composed.map(async ({ name, value }): Promise<[string, string]> => [name, await resolve(value)]),
  );
  return Object.fromEntries(entries);
}

/** The same for display: secrets appear as the selectors that name them. */
export function describeHeaders(composed: readonly NamedHeader[]): Record<string, string> {
  const describe = (value: HeaderValue): string => {
    switch (value.from) {
      case 'manifest':
        return value.text;
      case 'configMap':
      case 'secret':
        return describeSelector(value.from, value.selector);
      case 'basicAuth':
        return `Basic ${[value.basicAuth.username, value.basicAuth.password]
          .map((selector) => (selector ? describeSelector('secret', selector) : ''))
          .join(':')}`;
    }
  };
  return Object.fromEntries(composed.map(({ name, value }) => [name, describe(value)]));
}

/** Returns `<secret name/key>`, which stands for a value that must not be shown. */
export function describeSelector(from: 'secret' | 'configMap', { name, key }: KeySelector): string {
  return `<${from} ${name}/${key}>`;
}

function secureValue({ name, valueFrom }: SecureHeader): HeaderValue {
  if (valueFrom.secretKeyRef) return { from: 'secret', selector: valueFrom.secretKeyRef };
  if (valueFrom.configMapKeyRef) return { from: 'configMap', selector: valueFrom.configMapKeyRef };
  throw new SluiceError('TRIGGER_REFUSED', {
    message: `secureHeaders: header ${name} has an empty valueFrom`,
    fix: 'Give it valueFrom.secretKeyRef or valueFrom.configMapKeyRef',
  });
}
