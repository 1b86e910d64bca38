/**
 * Every kind of event source that manifests may hold, by its key in the spec, and what Sluice does with it. Schemas, the
 * registry, validate, the docs and the tests follow from this list. Plain data: workflows read it.
 */

/** What happens to events that arrive while the source is paused. */
export type UnreadFate = 'wait' | 'lost' | 'refused';

/** A supported kind has a fate; a kind without one is validated only, and left to Argo Events. */
interface SourceKind {
  readonly unread?: UnreadFate;
}

const notRead = {} as const;

export const SOURCE_KINDS = {
  amqp: { unread: 'wait' },
  azureEventsHub: notRead,
  azureQueueStorage: notRead,
  azureServiceBus: notRead,
  bitbucket: { unread: 'refused' },
  bitbucketserver: { unread: 'refused' },
  calendar: { unread: 'wait' },
  custom: { unread: 'wait' },
  emitter: notRead,
  file: { unread: 'wait' },
  generic: notRead,
  gerrit: notRead,
  github: { unread: 'refused' },
  gitlab: { unread: 'refused' },
  hdfs: notRead,
  kafka: { unread: 'wait' },
  minio: notRead,
  mns: notRead,
  mqtt: { unread: 'wait' },
  nats: { unread: 'lost' },
  natsJetStream: { unread: 'wait' },
  nsq: notRead,
  pubSub: notRead,
  pulsar: notRead,
  redis: { unread: 'lost' },
  redisStream: { unread: 'wait' },
  resource: { unread: 'wait' },
  sftp: notRead,
  slack: { unread: 'refused' },
  sns: { unread: 'refused' },
  sqs: { unread: 'wait' },
  stac: { unread: 'wait' },
  storageGrid: notRead,
  stripe: { unread: 'refused' },
  webhook: { unread: 'refused' },
} as const satisfies Record<string, SourceKind>;

export type EventSourceKind = keyof typeof SOURCE_KINDS;

export type SupportedSource = {
  [Kind in EventSourceKind]: (typeof SOURCE_KINDS)[Kind] extends { readonly unread: UnreadFate } ? Kind : never;
}[EventSourceKind];

export const EVENT_SOURCE_KINDS = Object.keys(SOURCE_KINDS).filter(isEventSourceKind);
export const SUPPORTED_SOURCES = EVENT_SOURCE_KINDS.filter(isSupportedSource);

function isEventSourceKind(kind: string): kind is EventSourceKind {
  return Object.hasOwn(SOURCE_KINDS, kind);
}

export function isSupportedSource(kind: string): kind is SupportedSource {
  return unreadFate(kind) !== undefined;
}

/** Undefined for an unsupported kind. */
export function unreadFate(kind: string): UnreadFate | undefined {
  if (!isEventSourceKind(kind)) return undefined;
  const row: SourceKind = SOURCE_KINDS[kind];
  return row.unread;
}
