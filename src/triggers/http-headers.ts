/** The headers of an `http` trigger: who wins over whom, and which values are secret. */
import { SluiceError } from '../errors';
import type { KeySelector, SecretReader } from '../kubernetes/secrets';
import type { BasicAuth, SecureHeader } from '../manifest/common';

/** Where one header's value comes from. */
type HeaderValue =
  | { readonly from: 'manifest'; readonly text: string }
  | { readonly from: 'secret' | 'configMap'; readonly selector: KeySelector }
  | { readonly from: 'basicAuth'; readonly basicAuth: BasicAuth };

export interface NamedHeader {
  readonly name: string;
  readonly value: HeaderValue;
}

export interface HeaderSources {
  readonly fireId: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly dynamicHeaders?: Readonly<Record<string, string>>;
  readonly secureHeaders?: readonly SecureHeader[];
  readonly basicAuth?: BasicAuth;
  readonly host?: string;
}

/**
 * Later ones win, whatever their case: ours, `headers`, `dynamicHeaders`, `secureHeaders`, `basicAuth`, `host`.
 * Names stay exactly as written.
 */
export function composeHeaders(sources: HeaderSources): NamedHeader[] {
  const composed = new Map<string, NamedHeader>();
  const set = (name: string, value: HeaderValue) => composed.set(name.toLowerCase(), { name, value });
  const setText = (name: string, text: string) => set(name, { from: 'manifest', text });

  setText('Idempotency-Key', sources.fireId);
  if (sources.contentType) setText('Content-Type', sources.contentType);
  for (const [name, text] of Object.entries(sources.headers ?? {})) setText(name, text);
  for (const [name, text] of Object.entries(sources.dynamicHeaders ?? {})) setText(name, text);
  for (const header of sources.secureHeaders ?? []) set(header.name, secureValue(header));
  if (sources.basicAuth) set('Authorization', { from: 'basicAuth', basicAuth: sources.basicAuth });
  if (sources.host) setText('Host', sources.host);
  return [...composed.values()];
}

export interface ResolvedHeaders {
  readonly headers: Record<string, string>;
  /** What must never show in an error. */
  readonly secretValues: readonly string[];
}

/** Reads what has to be read. Throws SECRET_MISSING. */
export async function resolveHeaders(
  composed: readonly NamedHeader[],
  namespace: string,
  secrets: SecretReader,
): Promise<ResolvedHeaders> {
  const secretValues: string[] = [];
  const resolve = async (value: HeaderValue): Promise<string> => {
    switch (value.from) {
      case 'manifest':
        return value.text;
      case 'configMap':
        return secrets.configMap(namespace, value.selector);
      case 'secret': {
        const text = await secrets.secret(namespace, value.selector);
        secretValues.push(text);
        return text;
      }
      case 'basicAuth': {
        const read = (selector?: KeySelector) => (selector ? secrets.secret(namespace, selector) : '');
        const [user, password] = await Promise.all([read(value.basicAuth.username), read(value.basicAuth.password)]);
        const credentials = Buffer.from(`${user}:${password}`).toString('base64');
        secretValues.push(password, credentials);
        return `Basic ${credentials}`;
      }
    }
  };
  const entries = await Promise.all(
    composed.map(async ({ name, value }): Promise<[string, string]> => [name, await resolve(value)]),
  );
  return { headers: Object.fromEntries(entries), secretValues };
}

/** The same for people: secrets appear as the selectors that name them. */
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

/** `<secret name/key>`: stands for a value that must not be shown. */
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
