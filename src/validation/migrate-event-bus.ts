/** Converts an EventBus on NATS Streaming to one on JetStream, with a note for every setting that is lost. Pure. */
import { API_VERSION } from '../manifest/common';
import type { EventBus, EventBusSpec } from '../manifest/event-bus';
import { checkManifest } from './parse-manifest';
import type { Finding } from '../manifest/problem';
import { writeYaml } from '../yaml/write-yaml';

export interface MigratedBus {
  readonly object: EventBus;
  /** Sentences for the user, each about something that changed or is lost. */
  readonly notes: readonly string[];
  /** Errors of the result, such as an invalid address. */
  readonly findings: readonly Finding[];
}

type Stan = NonNullable<EventBusSpec['nats']>;
type Native = NonNullable<Stan['native']>;
type Exotic = NonNullable<Stan['exotic']>;

/** Fields that the API server adds to a manifest from `kubectl get`. */
const WRITTEN_BY_SERVER = [
  ...['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink', 'clusterName'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds'],
] as const;
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const WAITING = 'Events that wait on the old bus do not move: let its sensors handle them first.';

/** Undefined for a bus that is not on NATS Streaming. */
export function migrateEventBus(bus: EventBus, natsUrl: string | undefined): MigratedBus | undefined {
  const { nats } = bus.spec;
  if (nats === undefined) return undefined;
  const notes: string[] = [];
  const spec = migrateSpec(nats, natsUrl, notes);
  if (spec === undefined) return undefined;
  notes.push(WAITING);
  const object = { apiVersion: API_VERSION, kind: 'EventBus', metadata: keepMetadata(bus, notes), spec } as const;
  return { object, notes, findings: checkManifest('EventBus', object).findings };
}

/** Whether the address of a NATS server must be given, because the manifest contains none. */
export function needsNatsUrl({ spec }: EventBus): boolean {
  return spec.nats?.exotic !== undefined;
}

function migrateSpec({ native, exotic }: Stan, natsUrl: string | undefined, notes: string[]): EventBusSpec | undefined {
  if (exotic !== undefined) return natsUrl === undefined ? undefined : fromExotic(exotic, natsUrl, notes);
  const stan = native ?? {};
  return natsUrl === undefined ? fromNative(stan, notes) : toServerOfOthers(stan, natsUrl, notes);
}

function fromExotic({ url, clusterID, auth, accessSecret }: Exotic, natsUrl: string, notes: string[]): EventBusSpec {
  notes.push(`url was ${hideLogin(url)}, clusterID ${clusterID}: JetStream has no cluster id.`);
  if (auth !== undefined && auth !== '')
    notes.push(`auth: ${auth} is left out: accessSecret alone defines how to log in.`);
  if (accessSecret !== undefined) {
    notes.push('accessSecret is kept: its value must be YAML with what the new server accepts, such as token: …');
  }
  return { jetstreamExotic: { url: natsUrl, ...(accessSecret !== undefined && { accessSecret }) } };
}

function fromNative(native: Native, notes: string[]): EventBusSpec {
  const { replicas, auth, maxAge, maxMsgs, maxBytes, maxPayload, ...rest } = native;
  const kept = withoutStan(rest, notes);
  const streamConfig = streamConfigOf({ maxAge, maxMsgs, maxBytes }, notes);
  const servers = replicas === 1 ? 1 : Math.max(3, replicas ?? 3);
  if (replicas !== undefined && servers !== replicas) {
    notes.push(`replicas was ${replicas}: JetStream elects a leader among 1, or 3 and more.`);
  }
  if (auth !== undefined && auth !== '' && auth !== 'token') {
    notes.push(`auth: ${auth} is left out: Argo Events always makes credentials for its own JetStream.`);
  } else if (auth === 'token') {
    notes.push('auth: token is left out: Argo Events makes user and password for its own JetStream.');
  }
  notes.push('Argo Events runs the servers of spec.jetstream. Where it does not, give --nats-url.');
  const payload = maxPayload === undefined ? {} : { maxPayload };
  return { jetstream: { version: 'latest', replicas: servers, ...kept, ...payload, ...streamConfig } };
}

/** The NATS server is managed separately, so the fields that described the former servers are dropped. */
function toServerOfOthers(native: Native, natsUrl: string, notes: string[]): EventBusSpec {
  const { maxAge, maxMsgs, maxBytes, ...servers } = native;
  const leftOut = Object.keys(servers);
  if (leftOut.length > 0) notes.push(`${leftOut.join(', ')} left out: the operator of the NATS server sets these.`);
  return { jetstreamExotic: { url: natsUrl, ...streamConfigOf({ maxAge, maxMsgs, maxBytes }, notes) } };
}

/** Fields of the pod are those of JetStream; those of NATS Streaming itself have no counterpart. */
function withoutStan(native: Omit<Native, 'maxPayload'>, notes: string[]): Omit<Native, 'maxPayload'> {
  const { maxSubs, raftHeartbeatTimeout, raftElectionTimeout, raftLeaseTimeout, raftCommitTimeout, ...kept } = native;
  const own = { maxSubs, raftHeartbeatTimeout, raftElectionTimeout, raftLeaseTimeout, raftCommitTimeout };
  const written = Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  if (written.length > 0) notes.push(`${written.join(', ')} left out: JetStream has no such setting.`);
  return kept;
}

function streamConfigOf(
  { maxAge, maxMsgs, maxBytes }: Pick<Native, 'maxAge' | 'maxMsgs' | 'maxBytes'>,
  notes: string[],
) {
  const bytes = maxBytes === undefined ? undefined : parseBytes(maxBytes);
  if (maxBytes !== undefined && bytes === undefined) {
    notes.push(`maxBytes: ${maxBytes} is left out: not a size that can be read.`);
  }
  const config = {
    ...(maxAge !== undefined && maxAge !== '' && { maxAge }),
    // Unlimited is 0 in NATS Streaming, -1 in JetStream.
    ...(maxMsgs !== undefined && { maxMsgs: maxMsgs === 0 ? -1 : maxMsgs }),
    ...(bytes !== undefined && { maxBytes: bytes === 0 ? -1 : bytes }),
  };
  if (Object.keys(config).length === 0) return {};
  const names = Object.keys(config).join(', ');
  notes.push(`${names} became streamConfig. It applied to each channel, and now applies to all events of the bus.`);
  return { streamConfig: writeYaml(config) };
}

const UNITS = ['', 'K', 'M', 'G', 'T'];

function parseBytes(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * 1024 ** UNITS.indexOf(unit.toUpperCase());
}

function keepMetadata({ metadata, status }: EventBus, notes: string[]): EventBus['metadata'] {
  const kept: Record<string, unknown> = { ...metadata };
  const leftOut: string[] = WRITTEN_BY_SERVER.filter((field) => field in metadata);
  for (const field of leftOut) delete kept[field];
  if (metadata.annotations !== undefined && LAST_APPLIED in metadata.annotations) {
    const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations;
    kept['annotations'] = annotations;
    leftOut.push(LAST_APPLIED);
  }
  if (status !== undefined) leftOut.push('status');
  if (leftOut.length > 0) notes.push(`Left out what the cluster wrote about the old bus: ${leftOut.join(', ')}.`);
  return { ...kept, name: metadata.name };
}

function hideLogin(url: string): string {
  return url.replace(/\/\/[^/@\s]*@/g, '//***@');
}
