/** Keeps the settings of an existing stream of events as the manifest writes them. */
import { DiscardPolicy, RetentionPolicy, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { errorProperty } from '../errors/foreign-errors';
import { describeError } from '../errors/sluice-error';
import { showDuration } from '../text/readable-times';
import type { BusConnection } from './bus-connection';
import { FORMER } from './bus-names';
import type { BusSettings, StreamSettings } from './bus-settings';

const NANOSECONDS_PER_MS = 1_000_000;

/** Settings that differ between servers' streams and manifests, by their names in `streamConfig`. */
const COMPARED = {
  maxMsgs: 'max_msgs',
  maxAge: 'max_age',
  maxBytes: 'max_bytes',
  duplicates: 'duplicate_window',
  discard: 'discard',
  retention: 'retention',
} as const;
type ComparedName = keyof typeof COMPARED;
type ComparedConfig = Partial<Pick<StreamConfig, (typeof COMPARED)[ComparedName]>>;

const SETTING_OF: Readonly<Record<ComparedName, keyof StreamSettings>> = {
  maxMsgs: 'maxMsgs',
  maxAge: 'maxAgeMs',
  maxBytes: 'maxBytes',
  duplicates: 'duplicatesMs',
  discard: 'discard',
  retention: 'retention',
};

const RETENTION = {
  limits: RetentionPolicy.Limits,
  interest: RetentionPolicy.Interest,
  workqueue: RetentionPolicy.Workqueue,
} as const;

export interface StreamDifference {
  readonly name: ComparedName;
  /** As a sentence without its reason: "maxAge is 24h, the manifest says 72h". */
  readonly text: string;
}

/** Returns the stream configuration that the settings describe. */
export function configOfSettings(settings: StreamSettings): ComparedConfig {
  // The server rejects a duplicate window that is longer than the events live.
  const duplicatesMs =
    settings.maxAgeMs > 0 ? Math.min(settings.duplicatesMs, settings.maxAgeMs) : settings.duplicatesMs;
  return {
    max_msgs: limitOf(settings.maxMsgs),
    max_age: nanos(settings.maxAgeMs),
    max_bytes: limitOf(settings.maxBytes),
    ...(duplicatesMs > 0 && { duplicate_window: nanos(duplicatesMs) }),
    retention: RETENTION[settings.retention],
    discard: settings.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
  };
}

/** Of a stream that Argo Events uses too, only what the manifest writes counts: the rest is for the other to decide. */
export function compareStream(existing: StreamConfig, settings: BusSettings): readonly StreamDifference[] {
  const wanted = configOfSettings(settings.stream);
  const isShared = existing.name === FORMER.events.stream;
  return comparedNames().flatMap((name) => {
    const [found, said] = [existing[COMPARED[name]], wanted[COMPARED[name]]];
    if (said === undefined || found === said) return [];
    if (isShared && !settings.written.includes(SETTING_OF[name])) return [];
    return [{ name, text: `${name} is ${show(name, found)}, the manifest says ${show(name, said)}` }];
  });
}

/**
 * Changes what differs and can be changed, and returns the remaining differences as sentences with their reason. A
 * refusal of the server does not throw: the stream keeps working as it is.
 */
export async function adjustStream(
  connection: BusConnection,
  manager: JetStreamManager,
  existing: StreamConfig,
): Promise<readonly string[]> {
  const { settings } = connection;
  const differences = compareStream(existing, settings);
  const fixed = differences.filter(({ name }) => name === 'retention').map(({ text }) => `${text}; ${NEVER_CHANGES}`);
  const open = differences.filter(({ name }) => name !== 'retention');
  if (open.length === 0) return fixed;
  try {
    await manager.streams.update(existing.name, changeFor(existing, configOfSettings(settings.stream), open));
  } catch (error) {
    const reason = isRefusal(error) ? describeError(error) : undefined;
    if (reason === undefined) throw error;
    return [...fixed, ...open.map(({ text }) => `${text}; the server refuses the change: ${reason}`)];
  }
  connection.log(
    'info',
    `event bus ${settings.name}: stream "${existing.name}" was changed (${open.map(({ text }) => text).join(', ')})`,
  );
  return fixed;
}

const NEVER_CHANGES = 'a stream keeps its retention for as long as it exists';

function changeFor(
  existing: StreamConfig,
  wanted: ComparedConfig,
  differences: readonly StreamDifference[],
): ComparedConfig {
  const keys = differences.map(({ name }) => COMPARED[name]);
  const change: ComparedConfig = Object.fromEntries(keys.map((key) => [key, wanted[key]]));
  const { max_age: age = existing.max_age, duplicate_window: window = existing.duplicate_window } = change;
  return age > 0 && window > age ? { ...change, duplicate_window: age } : change;
}

function comparedNames(): readonly ComparedName[] {
  return Object.keys(COMPARED).filter((name): name is ComparedName => Object.hasOwn(COMPARED, name));
}

/** The server stores every number below 1 as -1. */
function limitOf(limit: number): number {
  return limit > 0 ? limit : -1;
}

function show(name: ComparedName, value: string | number | undefined): string {
  const isTime = name === 'maxAge' || name === 'duplicates';
  if (isTime && typeof value === 'number') return value === 0 ? 'no limit' : showDuration(value / NANOSECONDS_PER_MS);
  return value === -1 ? 'no limit' : String(value);
}

/** An answer of the server, or a right that the user lacks; not a lost connection. */
function isRefusal(error: unknown): boolean {
  const names = ['JetStreamApiError', 'PermissionViolationError'];
  return [error, errorProperty(error, 'cause')].some((each) => each instanceof Error && names.includes(each.name));
}
