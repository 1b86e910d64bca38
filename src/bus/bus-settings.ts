/** Reads the connection and stream settings of an EventBus manifest, with the defaults filled in. Pure. */
import { parse as parseYaml } from 'yaml';
import { parseGoDurationMs } from '../text/durations';
import { SluiceError } from '../errors/sluice-error';
import type { KeySelector } from '../kubernetes/secrets';
import type { EventBusOptions } from '../manifest/annotations';
import type { TlsConfig } from '../manifest/common';
import type { StreamKind } from './bus-names';

/** The EventBus as it was applied. Structural, so that the manifest's own type fits. */
export interface EventBusObject {
  readonly namespace: string;
  readonly name: string;
  readonly spec: {
    readonly jetstream?: { readonly replicas?: number; readonly streamConfig?: string };
    readonly jetstreamExotic?: {
      readonly url?: string;
      readonly accessSecret?: KeySelector;
      readonly streamConfig?: string;
      readonly tls?: TlsConfig;
    };
  };
  readonly options?: EventBusOptions;
}

/** Stream options, named as in `streamConfig`. */
export interface StreamSettings {
  /** -1: no limit. Argo Events keeps 50,000 and silently drops older events, even unread ones; a storm must not. */
  readonly maxMsgs: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly replicas: number;
  readonly duplicatesMs: number;
  readonly retention: 'limits' | 'interest' | 'workqueue';
  readonly discard: 'old' | 'new';
}

export interface BusSettings {
  /** `<namespace>/<name>`. */
  readonly name: string;
  readonly namespace: string;
  readonly servers: readonly string[];
  /** From the address itself (`nats://user:password@host`, `nats://token@host`). */
  readonly urlCredentials?: { readonly username: string; readonly password?: string };
  readonly accessSecret?: KeySelector;
  /** The Secret that Argo's controller creates: optional if the address was overridden. */
  readonly accessSecretOptional: boolean;
  /** `automatic`: use TLS if the server offers it, without verification, as Argo Events does on its own bus. */
  readonly tls: 'automatic' | 'none' | TlsConfig;
  readonly streamKind: StreamKind;
  /** True if the manifest sets the stream kind, so that it does not depend on the process that reads it. */
  readonly isStreamKindChosen: boolean;
  readonly stream: StreamSettings;
  /** The stream settings that the manifest sets; the others have defaults. */
  readonly written: ReadonlyArray<keyof StreamSettings>;
  /** With `until-handled`: how long handled events are kept for replay; 0: until space is needed. */
  readonly handledMaxAgeMs?: number;
  /** Ignored parts of the manifest, one log line each. */
  readonly notices: readonly string[];
}

const STREAM_DEFAULTS: StreamSettings = {
  maxMsgs: -1,
  maxAgeMs: 168 * 3_600_000,
  maxBytes: -1,
  replicas: 3,
  duplicatesMs: 300_000,
  retention: 'limits',
  discard: 'old',
};

/** `urlOverride` is `SLUICE_BUS_URL`: any NATS server with JetStream can then carry the bus of any manifest. */
export function busSettings(bus: EventBusObject, urlOverride?: string): BusSettings {
  // Argo Events may use a server that a manifest names; one that only workers know belongs to Sluice.
  const streamKind = bus.options?.stream ?? (urlOverride === undefined ? 'argo-events' : 'own');
  const isStreamKindChosen = bus.options?.stream !== undefined;
  const settings = { ...manifestSettings(bus, urlOverride), streamKind, isStreamKindChosen };
  if (bus.options?.retention !== 'until-handled') return settings;
  const { stream } = settings;
  return {
    ...settings,
    stream: { ...stream, maxAgeMs: 0, discard: 'new' },
    written: [...settings.written, 'maxAgeMs', 'discard'],
    handledMaxAgeMs: stream.maxAgeMs,
  };
}

function manifestSettings(
  bus: EventBusObject,
  urlOverride?: string,
): Omit<BusSettings, 'streamKind' | 'isStreamKindChosen'> {
  const name = `${bus.namespace}/${bus.name}`;
  const { jetstream, jetstreamExotic } = bus.spec;
  const notices: string[] = [];
  if (jetstream) {
    return {
      name,
      namespace: bus.namespace,
      ...parseServers(name, urlOverride ?? `nats://eventbus-${bus.name}-js-svc.${bus.namespace}.svc:4222`),
      accessSecret: { name: `eventbus-${bus.name}-js-client-auth`, key: 'client-auth' },
      accessSecretOptional: urlOverride !== undefined,
      tls: 'automatic',
      ...parseStreamConfig(name, 'spec.jetstream.streamConfig', jetstream.streamConfig, jetstream.replicas, notices),
      notices,
    };
  }
  const url = urlOverride ?? jetstreamExotic?.url;
  if (!jetstreamExotic || url === undefined) {
    throw misconfigured(name, 'spec has neither jetstream nor jetstreamExotic with a url', 'Sluice runs on JetStream.');
  }
  return {
    name,
    namespace: bus.namespace,
    ...parseServers(name, url),
    ...(jetstreamExotic.accessSecret && { accessSecret: jetstreamExotic.accessSecret }),
    accessSecretOptional: false,
    tls: jetstreamExotic.tls ?? 'none',
    ...parseStreamConfig(name, 'spec.jetstreamExotic.streamConfig', jetstreamExotic.streamConfig, undefined, notices),
    notices,
  };
}

/**
 * The servers of an address, to be shown: without users, passwords and tokens. These may hold commas and "@", so of what
 * begins with a scheme nothing before its last "@" is shown, even where that hides a server.
 */
export function serversOf(urls: string): string[] {
  const texts = urls.split(/,(?=\s*[\w+.-]+:\/\/)/).flatMap((text) => {
    const [, scheme = '', rest = ''] = /^\s*(\w+:\/\/)?([^]*)$/.exec(text) ?? [];
    const [first = '', ...others] = rest.slice(rest.lastIndexOf('@') + 1).split(',');
    return [`${scheme}${first}`, ...others];
  });
  return texts.map((text) => text.trim().replace(/\/$/, '')).filter((server) => server !== '');
}

function parseServers(bus: string, urls: string): Pick<BusSettings, 'servers' | 'urlCredentials'> {
  let urlCredentials: BusSettings['urlCredentials'];
  const servers = urls.split(',').map((text) => {
    const trimmed = text.trim();
    const url = URL.canParse(trimmed) && trimmed.includes('://') ? new URL(trimmed) : undefined;
    if (!url) return trimmed;
    if (url.username) {
      const password = url.password ? decodeURIComponent(url.password) : undefined;
      urlCredentials = { username: decodeURIComponent(url.username), ...(password !== undefined && { password }) };
    }
    return `${url.protocol}//${url.host}`;
  });
  if (servers.some((server) => server === '')) {
    throw misconfigured(bus, 'its address is empty', 'Write nats://host:4222, several with commas between them.');
  }
  return { servers, ...(urlCredentials && { urlCredentials }) };
}

/** YAML is parsed in the main thread, in quadratic time. All options together have 300 characters. */
const LARGEST_STREAM_CONFIG = 4_096;

function parseStreamConfig(
  bus: string,
  path: string,
  text: string | undefined,
  busReplicas: number | undefined,
  notices: string[],
): Pick<BusSettings, 'stream' | 'written'> {
  const defaults = { ...STREAM_DEFAULTS, replicas: busReplicas ?? STREAM_DEFAULTS.replicas };
  if (text === undefined || text.trim() === '') return { stream: defaults, written: [] };
  if (text.length > LARGEST_STREAM_CONFIG) {
    const size = `${text.length} characters, at most ${LARGEST_STREAM_CONFIG} are accepted`;
    throw misconfigured(bus, `${path} has ${size}`, 'Leave out what is not among the options of the stream.');
  }
  let parsed: unknown;
  try {
    parsed = parseYaml(text);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw misconfigured(bus, `${path} is not a YAML mapping`, 'Write it as lines like "maxAge: 24h".');
  }
  let change: Partial<StreamSettings> = {};
  for (const [key, value] of Object.entries(parsed)) {
    const name = key.toLowerCase();
    const known = Object.hasOwn(STREAM_KEYS, name) ? STREAM_KEYS[name] : undefined;
    if (known === undefined) {
      notices.push(`event bus ${bus}: ${path}.${key} is not known and was ignored`);
      continue;
    }
    const read = known.read(value);
    if (read === undefined)
      throw misconfigured(bus, `${path}.${key} is ${JSON.stringify(value)}`, `Allowed: ${known.allowed}.`);
    change = { ...change, [known.setting]: read };
  }
  const written = STREAM_SETTINGS.filter((name) => Object.hasOwn(change, name));
  return { stream: { ...defaults, ...change }, written };
}

const STREAM_SETTINGS = Object.keys(STREAM_DEFAULTS) as Array<keyof StreamSettings>;

interface StreamKey {
  readonly setting: keyof StreamSettings;
  /** Returns undefined for a value that is not allowed. */
  readonly read: (value: unknown) => string | number | undefined;
  /** In words. */
  readonly allowed: string;
}

const COUNT = { read: integer, allowed: 'a whole number, -1 for no limit' };
const DURATION = { read: duration, allowed: 'a duration such as 24h, 90m or 300s' };

/** Keys in lower case: Argo Events reads them case-insensitively. */
const STREAM_KEYS: Readonly<Record<string, StreamKey>> = {
  maxmsgs: { setting: 'maxMsgs', ...COUNT },
  maxbytes: { setting: 'maxBytes', ...COUNT },
  replicas: { setting: 'replicas', ...COUNT },
  maxage: { setting: 'maxAgeMs', ...DURATION },
  duplicates: { setting: 'duplicatesMs', ...DURATION },
  retention: { setting: 'retention', ...choice('limits', 'interest', 'workqueue') },
  discard: { setting: 'discard', ...choice('old', 'new') },
};

function integer(value: unknown): number | undefined {
  const parsed = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof parsed === 'number' && Number.isSafeInteger(parsed) ? parsed : undefined;
}

function duration(value: unknown): number | undefined {
  return typeof value === 'string' ? parseGoDurationMs(value) : value === 0 ? 0 : undefined;
}

/** Go writes these as the index in the list; words are accepted because they are easier to read. */
function choice(...words: readonly string[]): Pick<StreamKey, 'read' | 'allowed'> {
  return {
    read(value) {
      const text = typeof value === 'string' || typeof value === 'number' ? String(value).toLowerCase() : '';
      return words.includes(text) ? text : /^\d$/.test(text) ? words[Number(text)] : undefined;
    },
    allowed: words.map((word, index) => `${index} (${word})`).join(', '),
  };
}

function misconfigured(bus: string, what: string, fix: string): SluiceError {
  return new SluiceError('BUS_MISCONFIGURED', { message: `Event bus ${bus}: ${what}`, fix, context: { bus } });
}
