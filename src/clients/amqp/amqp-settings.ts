/** How the url, auth and tls of a manifest lead to an AMQP 0-9-1 broker. */
import type { KeySelector, SecretReader } from '../../kubernetes/secrets';
import type { BasicAuth, TlsConfig } from '../../manifest/common';
import { readTls, type TlsSettings } from '../tls';

/** The fields of a manifest that lead to a broker. */
export interface AmqpServerSpec {
  readonly url?: string;
  readonly urlSecret?: KeySelector;
  readonly auth?: BasicAuth;
  readonly tls?: TlsConfig;
}

export interface AmqpSettings {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  readonly tls?: TlsSettings;
}

/** RabbitMQ's own user, which Argo Events' client assumes, too. */
const GUEST = 'guest';

export class AmqpUrlUnusable extends Error {}

/** Reads every secret. Throws SECRET_MISSING, and AmqpUrlUnusable. */
export async function readAmqpSettings(
  { url: plainUrl, urlSecret, auth, tls: block }: AmqpServerSpec,
  namespace: string,
  secrets: SecretReader,
): Promise<AmqpSettings> {
  const read = (selector: KeySelector): Promise<string> => secrets.secret(namespace, selector);
  const [text, username, password, tls] = await Promise.all([
    urlSecret ? read(urlSecret) : plainUrl,
    auth?.username && read(auth.username),
    auth?.password && read(auth.password),
    readTls(block, read),
  ]);
  const url = parseAmqpUrl(text ?? '');
  const usesTls = block !== undefined || url.protocol === 'amqps:';
  const hasUser = url.username !== '' || url.password !== '';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(url, usesTls),
    // `/` names the virtual host "/", as no path does.
    vhost: decodeURIComponent(url.pathname.slice(1)) || '/',
    username: username ?? (hasUser ? decodeURIComponent(url.username) : GUEST),
    password: password ?? (hasUser ? decodeURIComponent(url.password) : GUEST),
    tls: tls ?? (usesTls ? { rejectUnauthorized: true } : undefined),
  };
}

/** `host:port`, without the credentials that a url may hold. */
export function describeAmqpBroker({ url = '' }: AmqpServerSpec, settings?: AmqpSettings): string {
  if (settings !== undefined) return `AMQP at ${settings.host}:${settings.port}`;
  try {
    const parsed = parseAmqpUrl(url);
    return `AMQP at ${parsed.hostname}:${portOf(parsed, parsed.protocol === 'amqps:')}`;
  } catch {
    return 'AMQP';
  }
}

/** Throws AmqpUrlUnusable, without what the url holds. */
export function parseAmqpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.hostname && (url.protocol === 'amqp:' || url.protocol === 'amqps:') && isDecodable(url)) return url;
  throw new AmqpUrlUnusable('the url is not an address such as amqp://user:password@host:5672/vhost');
}

function isDecodable({ username, password, pathname }: URL): boolean {
  try {
    return [username, password, pathname].map(decodeURIComponent).length > 0;
  } catch {
    return false;
  }
}

function portOf({ port }: URL, usesTls: boolean): number {
  return port === '' ? (usesTls ? 5671 : 5672) : Number(port);
}
