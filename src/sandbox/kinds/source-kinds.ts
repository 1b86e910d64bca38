/**
 * Every kind of event source that manifests may hold, by its key in the spec, and what Sluice does with it. Schemas, the
 * registry, validate, the docs and the tests follow from this list. Workflows read it, so it is plain data: it knows
 * implementations by type alone.
 */
import type { redisSource } from '../../sources/redis';
import type { redisStreamSource } from '../../sources/redis-stream';
import type { SourceFactory } from '../../sources/source';
import type { webhookSource } from '../../sources/webhook';

/** What happens to events that come while the source is paused. */
export type UnreadFate = 'wait' | 'lost' | 'refused';

/** A kind that is read. */
interface Read<Factory> {
  readonly unread: UnreadFate;
  /** For the compiler only. */
  readonly implementation?: Factory;
}

/** A kind that is validated, and left to Argo Events. */
interface NotRead {
  readonly unread?: undefined;
}

/** `Factory` is the export `<kind>Source` of `src/sources/<kind in kebab-case>.ts`. */
function read<Factory extends SourceFactory<never>>(unread: UnreadFate): Read<Factory> {
  return { unread };
}

const notRead: NotRead = {};

export const SOURCE_KINDS = {
  amqp: notRead,
  azureEventsHub: notRead,
  azureQueueStorage: notRead,
  azureServiceBus: notRead,
  bitbucket: notRead,
  bitbucketserver: notRead,
  calendar: notRead,
  emitter: notRead,
  file: notRead,
  generic: notRead,
  gerrit: notRead,
  github: notRead,
  gitlab: notRead,
  hdfs: notRead,
  kafka: notRead,
  minio: notRead,
  mns: notRead,
  mqtt: notRead,
  nats: notRead,
  nsq: notRead,
  pubSub: notRead,
  pulsar: notRead,
  redis: read<typeof redisSource>('lost'),
  redisStream: read<typeof redisStreamSource>('wait'),
  resource: notRead,
  sftp: notRead,
  slack: notRead,
  sns: notRead,
  sqs: notRead,
  storageGrid: notRead,
  stripe: notRead,
  webhook: read<typeof webhookSource>('refused'),
};

export type EventSourceKind = keyof typeof SOURCE_KINDS;

/** Of the kinds that are read, the implementation. */
export type SourceImplementations = {
  [
    Kind in EventSourceKind as (typeof SOURCE_KINDS)[Kind] extends Read<unknown> ? Kind : never
  ]: (typeof SOURCE_KINDS)[Kind] extends Read<infer Factory> ? Factory : never;
};
export type SupportedSource = keyof SourceImplementations;

export const EVENT_SOURCE_KINDS = Object.keys(SOURCE_KINDS).filter(isEventSourceKind);
export const SUPPORTED_SOURCES = EVENT_SOURCE_KINDS.filter(isSupportedSource);

function isEventSourceKind(kind: string): kind is EventSourceKind {
  return Object.hasOwn(SOURCE_KINDS, kind);
}

export function isSupportedSource(kind: string): kind is SupportedSource {
  return unreadFate(kind) !== undefined;
}

/** Undefined for a kind that is not read. */
export function unreadFate(kind: string): UnreadFate | undefined {
  return isEventSourceKind(kind) ? SOURCE_KINDS[kind].unread : undefined;
}
