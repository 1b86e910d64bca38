/**
 * Every name that Sluice uses on NATS. No other file holds one.
 *
 * A tenant is one EventBus of one namespace in one Temporal namespace. Each has a stream, subjects, consumers, decisions,
 * buckets and held contents of its own. A bus that is shared with Argo Events keeps the stream and the subjects of
 * Argo Events; the rest is still its own. Pure.
 */
import { shortHash } from '../event/short-id';
import { subjectToken } from './event-path';

export interface Tenant {
  readonly temporalNamespace: string;
  readonly namespace: string;
  /** Of the EventBus. */
  readonly bus: string;
}

/** Whose stream the events lie on. */
export type StreamKind = 'argo-events' | 'own';

/** A stream and what its subjects begin with. */
export interface StreamNames {
  readonly stream: string;
  readonly prefix: string;
}

export interface BusNames {
  /** `<namespace>-<bus>-<hash>`: readable, and never the same for two tenants. */
  readonly tenant: string;
  readonly kind: StreamKind;
  /** For people: on the server, it is the description of what belongs to the tenant. */
  readonly description: string;
  readonly events: StreamNames;
  readonly decisions: StreamNames;
  readonly held: StreamNames;
  /** Where replies come in: a tenant that may listen to all inboxes would read what others are sent. */
  readonly inboxPrefix: string;
}

/** What Argo Events uses, and every version of Sluice used before tenants had names. */
const SHARED_EVENTS: StreamNames = { stream: 'default', prefix: 'default' };

/** Names of what earlier versions left on the server, for all tenants together. */
export const FORMER = {
  events: SHARED_EVENTS,
  decisions: { stream: 'sluice-decisions', prefix: 'sluice.decisions' },
  held: { stream: 'sluice-held', prefix: 'sluice.held' },
} as const satisfies Record<string, StreamNames>;

export const BUCKETS = ['positions', 'rate-limits'] as const;
export type BucketPurpose = (typeof BUCKETS)[number];

/** 80 bits: nobody finds two tenants with the same. */
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

/** Where the events of a tenant lie that shares its stream with nobody. */
export function ownEvents(tenant: string): StreamNames {
  return { stream: `sluice-${tenant}`, prefix: `sluice.${tenant}.events` };
}

/** The durable consumer of a sensor: one for all its dependencies, so that its position is one number. */
export function consumerName({ tenant }: BusNames, sensorName: string): string {
  return `${consumerPrefix(tenant)}${legal(sensorName, LONGEST_SENSOR)}-${shortHash(sensorName, NAME_HASH_LENGTH)}`;
}

/** Begins the names of all consumers of a tenant and of no other's. */
export function consumerPrefix(tenant: string): string {
  return `sluice-${tenant}-`;
}

/** As earlier versions named it: the same for equal names in two Temporal namespaces. */
export function formerConsumerName(namespace: string, sensorName: string): string {
  const readable = `sluice-${namespace}-${sensorName}`;
  const name = legal(readable, 100);
  return name === readable ? readable : `${name}-${shortHash(`${namespace}/${sensorName}`, 8)}`;
}

export function bucketName({ tenant }: BusNames, purpose: BucketPurpose): string {
  return `sluice-${tenant}-${purpose}`;
}

export function formerBucketName(purpose: BucketPurpose): string {
  return `sluice-${purpose}`;
}

/** The stream on which JetStream keeps a bucket. */
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
