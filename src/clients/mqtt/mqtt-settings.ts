/** How the url, auth and tls of a manifest lead to an MQTT broker. */
import type { KeySelector, SecretReader } from '../../kubernetes/secrets';
import type { BasicAuth, TlsConfig } from '../../manifest/common';
import { readTls, type TlsSettings } from '../tls';

/** The fields of a manifest that lead to a broker. */
export interface MqttServerSpec {
  readonly url: string;
  readonly auth?: BasicAuth;
  readonly tls?: TlsConfig;
}

export interface MqttSettings {
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsSettings;
}

/** Schemes of Argo Events' client. */
const PLAIN = new Set(['tcp:', 'mqtt:']);
const WITH_TLS = new Set(['ssl:', 'tls:', 'tcps:', 'mqtts:', 'mqtt+ssl:']);

export class MqttUrlUnusable extends Error {}

/** Reads every secret. Throws SECRET_MISSING, and MqttUrlUnusable. */
export async function readMqttSettings(
  { url, auth, tls: block }: MqttServerSpec,
  namespace: string,
  secrets: SecretReader,
): Promise<MqttSettings> {
  const parsed = parseMqttUrl(url);
  const read = (selector: KeySelector): Promise<string> => secrets.secret(namespace, selector);
  const [username, password, tls] = await Promise.all([
    auth?.username && read(auth.username),
    auth?.password && read(auth.password),
    readTls(block, read),
  ]);
  const usesTls = WITH_TLS.has(parsed.protocol);
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(parsed, block !== undefined || usesTls),
    username: username ?? textOrNone(parsed.username),
    password: password ?? textOrNone(parsed.password),
    tls: tls ?? (usesTls ? { rejectUnauthorized: true } : undefined),
  };
}

/** `host:port`, without the credentials that a url may hold. */
export function describeMqttBroker(url: string): string {
  try {
    const parsed = parseMqttUrl(url);
    return `MQTT at ${parsed.hostname}:${portOf(parsed, WITH_TLS.has(parsed.protocol))}`;
  } catch {
    return 'MQTT';
  }
}

/** Throws MqttUrlUnusable with the reason, without what the url holds. */
export function parseMqttUrl(text: string): URL {
  const withScheme = text.includes('://') ? text : `tcp://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || url.hostname === '' || !isDecodable(url)) {
    throw new MqttUrlUnusable('url is not an address such as tcp://host:1883 or ssl://host:8883');
  }
  if (PLAIN.has(url.protocol) || WITH_TLS.has(url.protocol)) return url;
  throw new MqttUrlUnusable(`url begins with ${url.protocol}//, which is not read; expected tcp:// or ssl://`);
}

function isDecodable({ username, password }: URL): boolean {
  try {
    return [username, password].map(decodeURIComponent).length > 0;
  } catch {
    return false;
  }
}

function portOf({ port }: URL, usesTls: boolean): number {
  return port === '' ? (usesTls ? 8883 : 1883) : Number(port);
}

function textOrNone(text: string): string | undefined {
  return text === '' ? undefined : decodeURIComponent(text);
}
