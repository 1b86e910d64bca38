/** Connections of the `nats` trigger and source: how the url, auth and tls of a manifest become an open client. */
import {
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { SluiceError } from '../../errors/sluice-error';
import type { KeySelector, SecretReader } from '../../kubernetes/secrets';
import type { NatsAuth } from '../../manifest/common';
import type { NatsTriggerTemplate } from '../../manifest/triggers/brokers';
import { errorText, hasErrorName } from '../../errors/foreign-errors';
import { requireAllowedTargets } from '../allowed-targets';
import { readTls, type TlsSettings } from '../tls';
import { connectNats } from './guarded-connect';

export type NatsTemplate = Omit<NatsTriggerTemplate, 'payload' | 'parameters'>;

/** The fields of a manifest that lead to a server. */
export type NatsServerSpec = Pick<NatsTemplate, 'url' | 'auth' | 'tls'>;

type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token' | 'nkey' | 'credentials'; readonly text: string };

export interface NatsSettings {
  /** `host:port` each. */
  readonly servers: readonly string[];
  readonly credentials?: Credentials;
  readonly tls?: TlsSettings;
}

export interface OpenNats {
  readonly nats: NatsConnection;
  /** Subjects that this user may not publish to, as reported by the server since the last (re)connection. */
  readonly deniedSubjects: ReadonlySet<string>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Reads every secret. Throws SECRET_MISSING, and TRIGGER_REFUSED for an invalid url. */
export async function readNatsSettings(
  template: NatsServerSpec,
  namespace: string,
  secrets: SecretReader,
): Promise<NatsSettings> {
  const urls = template.url.split(',').map((text) => parseServer(text.trim()));
  const [credentials, tls] = await Promise.all([
    readCredentials(template.auth, namespace, secrets),
    readTls(template.tls, (selector) => secrets.secret(namespace, selector)),
  ]);
  const usesTls = urls.some(({ protocol }) => protocol === 'tls:' || protocol === 'wss:');
  return {
    servers: urls.map(({ host }) => host),
    credentials: credentials ?? urls.map(credentialsOfUrl).find((found) => found !== undefined),
    tls: tls ?? (usesTls ? { rejectUnauthorized: true } : undefined),
  };
}

/** Throws TRIGGER_UNREACHABLE, or TRIGGER_REFUSED for a blocked address or credentials that the server rejects. */
export async function openNats(settings: NatsSettings): Promise<OpenNats> {
  const { servers } = settings;
  await requireAllowedTargets(`NATS at ${servers.join(', ')}`, servers);
  try {
    const nats = await connectToNats(settings, {
      name: 'sluice-trigger',
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
    });
    return { nats, deniedSubjects: watchDeniedSubjects(nats) };
  } catch (error) {
    const refused = hasErrorName(error, 'AuthorizationError', 'UserAuthenticationExpiredError');
    throw new SluiceError(refused ? 'TRIGGER_REFUSED' : 'TRIGGER_UNREACHABLE', {
      message: `NATS at ${servers.join(', ')}: ${errorText(error)}`,
      fix: refused
        ? 'Check nats.auth and the Secret it names'
        : 'Check nats.url and nats.tls, and that the server can be reached from the worker',
      cause: error,
    });
  }
}

/** Throws the errors of the library; the caller has checked the addresses. */
export function connectToNats(
  { servers, credentials, tls }: NatsSettings,
  options: ConnectionOptions,
): Promise<NatsConnection> {
  return connectNats({
    ...options,
    servers: [...servers],
    ...(credentials && { authenticator: authenticate(credentials) }),
    ...(tls && { tls: { ...tls } }),
  });
}

function watchDeniedSubjects(nats: NatsConnection): ReadonlySet<string> {
  const denied = new Set<string>();
  void (async () => {
    for await (const status of nats.status()) {
      if (status.type === 'reconnect') denied.clear();
      if (status.type !== 'error' || !hasErrorName(status.error, 'PermissionViolationError')) continue;
      const subject: unknown = Reflect.get(status.error, 'subject');
      if (typeof subject === 'string') denied.add(subject);
    }
  })();
  return denied;
}

function parseServer(text: string): URL {
  const withProtocol = text.includes('://') ? text : `nats://${text}`;
  if (URL.canParse(withProtocol)) {
    const url = new URL(withProtocol);
    if (url.host !== '') return url;
  }
  throw new SluiceError('TRIGGER_REFUSED', {
    message: 'nats.url is not a list of addresses such as nats://host:4222, separated by commas',
    fix: 'Correct nats.url, or the parameter that sets it',
  });
}

/** Reads credentials as the Go client does: `user:password@` or `token@`. */
function credentialsOfUrl({ username, password }: URL): Credentials | undefined {
  if (username === '') return undefined;
  if (password === '') return { kind: 'token', text: decodeURIComponent(username) };
  return { kind: 'password', user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

async function readCredentials(
  auth: NatsAuth | undefined,
  namespace: string,
  secrets: SecretReader,
): Promise<Credentials | undefined> {
  const read = async (selector?: KeySelector) => (selector ? secrets.secret(namespace, selector) : '');
  if (auth?.basic) {
    const [user, password] = await Promise.all([read(auth.basic.username), read(auth.basic.password)]);
    return { kind: 'password', user, password };
  }
  if (auth?.token) return { kind: 'token', text: await read(auth.token) };
  if (auth?.nkey) return { kind: 'nkey', text: (await read(auth.nkey)).trim() };
  if (auth?.credential) return { kind: 'credentials', text: await read(auth.credential) };
  return undefined;
}

function authenticate(credentials: Credentials): Authenticator {
  const bytes = (text: string) => new TextEncoder().encode(text);
  switch (credentials.kind) {
    case 'password':
      return usernamePasswordAuthenticator(credentials.user, credentials.password);
    case 'token':
      return tokenAuthenticator(credentials.text);
    case 'nkey':
      return nkeyAuthenticator(bytes(credentials.text));
    case 'credentials':
      return credsAuthenticator(bytes(credentials.text));
  }
}
