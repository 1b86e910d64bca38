/** How a client authenticates to the bus: the contents of an access Secret, and TLS material. */
import {
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
} from '@nats-io/transport-node';
import { parse as parseYaml } from 'yaml';
import { SluiceError, isSluiceError } from '../errors/sluice-error';
import type { SecretReader } from '../kubernetes/secrets';
import { readTls, type TlsSettings } from '../clients/tls';
import type { BusSettings } from './bus-settings';

const utf8 = new TextEncoder();

/** YAML is parsed in the main thread, in quadratic time. A credentials file has 1 KB. */
const LARGEST_YAML = 8_192;

/**
 * The credentials of a connection for as long as it lives: read again whenever it is lost or refused, and used from the
 * next attempt on. The client library asks for them synchronously, so the latest ones are kept here.
 */
export class BusCredentials {
  /** TLS settings to try in turn when connecting; more than one only if the manifest leaves it open. */
  readonly tls: ReadonlyArray<TlsSettings | undefined>;

  private constructor(
    private readonly settings: BusSettings,
    private readonly secrets: SecretReader,
    private current: Authenticator | undefined,
    private readonly ownTls: TlsSettings | undefined,
  ) {
    this.tls = settings.tls === 'automatic' ? [undefined, { rejectUnauthorized: false }] : [ownTls];
  }

  /** Throws SECRET_MISSING and BUS_MISCONFIGURED, never quoting a secret. */
  static async read(settings: BusSettings, secrets: SecretReader): Promise<BusCredentials> {
    const [authenticator, tls] = await Promise.all([readCredentials(settings, secrets), readOwnTls(settings, secrets)]);
    return new BusCredentials(settings, secrets, authenticator, tls);
  }

  readonly authenticator: Authenticator = (nonce) => this.current?.(nonce);

  /** Throws as `read` does; the former credentials then stay in use. */
  async refresh(): Promise<void> {
    const [authenticator, tls] = await Promise.all([
      readCredentials(this.settings, this.secrets),
      readOwnTls(this.settings, this.secrets),
    ]);
    this.current = authenticator;
    // The client library keeps this object and reads it at each attempt.
    if (this.ownTls !== undefined) Object.assign(this.ownTls, tls);
  }
}

async function readOwnTls(settings: BusSettings, secrets: SecretReader): Promise<TlsSettings | undefined> {
  const { tls, namespace } = settings;
  if (tls === 'automatic' || tls === 'none') return undefined;
  return await readTls(tls, (selector) => secrets.secret(namespace, selector));
}

/** Returns undefined to connect without credentials. */
async function readCredentials(settings: BusSettings, secrets: SecretReader): Promise<Authenticator | undefined> {
  const { urlCredentials, accessSecret } = settings;
  if (urlCredentials) {
    const { username, password } = urlCredentials;
    return password === undefined ? tokenAuthenticator(username) : usernamePasswordAuthenticator(username, password);
  }
  if (!accessSecret) return undefined;
  let value: string;
  try {
    value = await secrets.secret(settings.namespace, accessSecret);
  } catch (error) {
    if (settings.accessSecretOptional && isSluiceError(error)) return undefined;
    throw error;
  }
  const authenticator = parseAccessSecret(value, accessSecret.key);
  if (authenticator) return authenticator;
  throw new SluiceError('BUS_MISCONFIGURED', {
    message: `Event bus ${settings.name}: key "${accessSecret.key}" of Secret "${accessSecret.name}" holds credentials of an unknown form`,
    fix: 'Put YAML with "username" and "password", or "token", or "nkey", or "credentials" there, or the text of a NATS credentials file; YAML of at most 8 KB.',
    context: { bus: settings.name, secret: accessSecret.name, key: accessSecret.key },
  });
}

/**
 * Argo Events reads only YAML with `username` and `password`. Sluice also accepts a token, an nkey seed and a
 * credentials file: as YAML of that one key, as a Secret key of that name, or recognised by their format.
 */
export function parseAccessSecret(value: string, secretKey: string): Authenticator | undefined {
  const text = value.trim();
  if (text.includes('-----BEGIN NATS USER JWT-----')) return credsAuthenticator(utf8.encode(value));
  if (/^SU[A-Z2-7]{56}$/.test(text)) return nkeyAuthenticator(utf8.encode(text));
  if (/^(auth-?)?token$/i.test(secretKey) && !/\s/.test(text) && text !== '') return tokenAuthenticator(text);

  const { username, password, token, nkey, credentials } = parseMapping(text);
  if (username !== undefined) return usernamePasswordAuthenticator(username, password ?? '');
  if (token !== undefined) return tokenAuthenticator(token);
  if (nkey !== undefined) return nkeyAuthenticator(utf8.encode(nkey.trim()));
  if (credentials !== undefined) return credsAuthenticator(utf8.encode(credentials));
  return undefined;
}

function parseMapping(text: string): Partial<Record<string, string>> {
  if (text.length > LARGEST_YAML) return {};
  let parsed: unknown;
  try {
    parsed = parseYaml(text);
  } catch {
    // The parser's message is not quoted: it would show a piece of the secret.
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  return Object.fromEntries(
    Object.entries(parsed)
      .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
      .map(([key, value]) => [key.toLowerCase(), String(value)]),
  );
}
