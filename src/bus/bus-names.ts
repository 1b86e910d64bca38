/**
 * All names that Sluice uses on NATS. No other file contains any.
 *
 * A tenant is one EventBus of one namespace in one Temporal namespace. Each has its own stream, subjects, consumers,
 * decisions, buckets and held contents. A bus that is shared with Argo Events uses the stream and subjects of Argo
 * Events; everything else is still its own. Pure.
 */
import { shortHash } from '../event/short-id';
import { subjectToken } from './event-path';

export interface Tenant {
  readonly temporalNamespace: string;
  readonly namespace: string;
  /** Name of the EventBus. */
  readonly bus: string;
}

/** The owner of the stream that holds the events. */
export type StreamKind = 'argo-events' | 'own';

/** A stream and the prefix of its subjects. */
export interface StreamNames {
  readonly stream: string;
  readonly prefix: string;
}

export interface BusNames {
  /** `<namespace>-<bus>-<hash>`: readable, and unique per tenant. */
  readonly tenant: string;
  readonly kind: StreamKind;
  /** For operators: on the server, the description of everything that belongs to the tenant. */
  readonly description: string;
  readonly events: StreamNames;
  readonly decisions: StreamNames;
  readonly held: StreamNames;
  /** Prefix of reply inboxes: a tenant that may subscribe to all inboxes could read replies meant for others. */
  readonly inboxPrefix: string;
}

/** Names used by Argo Events, and by every version of Sluice before tenants had names. */
const SHARED_EVENTS: StreamNames = { stream: 'default', prefix: 'default' };

/** Names that earlier versions left on the server, shared by all tenants. */
export const FORMER = {
  events: SHARED_EVENTS,
  decisions: { stream: 'sluice-decisions', prefix: 'sluice.decisions' },
  held: { stream: 'sluice-held', prefix: 'sluice.held' },
} as const satisfies Record<string, StreamNames>;

export const BUCKETS = ['positions', 'rate-limits'] as const;
export type BucketPurpose = (typeof BUCKETS)[number];

/** 80 bits: a collision between two tenants cannot be constructed. */
const TENANT_HASH_LENGTH = 16;
const NAME_HASH_LENGTH = 10;
const LONGEST_NAMESPACE = 40;
const LONGEST_BUS = 30;
const LONGEST_SENSOR = 60;
const DEFAULT_INBOX = '_INBOX';

export function busNames({ temporalNamespace, namespace, bus }: Tenant, kind: StreamKind): BusNames {
  const hash = shortHash(JSON.stringify([temporalNamespace, namespace, bus]), TENANT_HASH_LENGTH);
  const tenant = `${legal(namespace, LONGEST_NAMESPACE)}-${legal(bus, LONGEST_BUS)}-${hash}`;
  const own = (purpose: string): StreamNames => ({
    stream: `sluice-${tenant}-${purpose}`,
    prefix: `sluice.${tenant}.${purpose}`,
  });
  return {
    tenant,
    kind,
    description: `Sluice: event bus ${namespace}/${bus}, Temporal namespace ${temporalNamespace}`,
    events: kind === 'own' ? ownEvents(tenant) : SHARED_EVENTS,
    decisions: own('decisions'),
    held: own('held'),
    inboxPrefix: kind === 'own' ? `${DEFAULT_INBOX}.${tenant}` : DEFAULT_INBOX,
  };
}

/** Returns the names for a tenant that shares its stream with no other. */
export function ownEvents(tenant: string): StreamNames {
  return { stream: `sluice-${tenant}`, prefix: `sluice.${tenant}.events` };
}

/** The durable consumer of a sensor: one for all its dependencies, so that its position is one number. */
export function consumerName({ tenant }: BusNames, sensorName: string): string {
  return `${consumerPrefix(tenant)}${legal(sensorName, LONGEST_SENSOR)}-${shortHash(sensorName, NAME_HASH_LENGTH)}`;
}

/** Returns the prefix of the names of all consumers of a tenant, and of no other tenant's. */
export function consumerPrefix(tenant: string): string {
  return `sluice-${tenant}-`;
}

/** Returns the name in earlier versions: the same for equal names in two Temporal namespaces. */
export function formerConsumerName(namespace: string, sensorName: string): string {
  const readable = `sluice-${namespace}-${sensorName}`;
  const name = legal(readable, 100);
  return name === readable ? readable : `${name}-${shortHash(`${namespace}/${sensorName}`, 8)}`;
}

export function bucketName({ tenant }: BusNames, purpose: BucketPurpose): string {
  return `sluice-${tenant}-${purpose}`;
}

/** In the bucket of positions: which first attempts listeners of a sensor have begun. */
export function attemptsKey(namespace: string, sensorName: string): string {
  return `attempts.${shortHash(JSON.stringify([namespace, sensorName]), TENANT_HASH_LENGTH)}`;
}

export function formerBucketName(purpose: BucketPurpose): string {
  return `sluice-${purpose}`;
}

/** Returns the stream in which JetStream stores a bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

export function eventSubject({ prefix }: StreamNames, path: string): string {
  return `${prefix}.${path}`;
}

/** All events of a stream. */
export function eventSubjects({ prefix }: StreamNames): string {
  return `${prefix}.*.*`;
}

/** `<prefix>.<namespace>.<sensor or event source>.<decision>`; undefined parts match anything. */
export function decisionSubject(
  { prefix }: StreamNames,
  namespace?: string,
  owner?: string,
  decision?: string,
): string {
  return [prefix, ...[namespace, owner, decision].map((part) => (part === undefined ? '*' : subjectToken(part)))].join(
    '.',
  );
}

/** `<prefix>.<namespace>.<sensor>.<name of the content>.<part>`; undefined parts match anything. */
export function heldSubject(
  { prefix }: StreamNames,
  namespace: string,
  sensorName: string,
  name?: string,
  part?: number,
): string {
  return [prefix, subjectToken(namespace), subjectToken(sensorName), name ?? '*', part ?? '*'].join('.');
}

function legal(name: string, longest: number): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, longest);
}
