/**
 * Every `sluice.io/*` annotation: the option that it sets, its legal values, its default and its meaning. The only such
 * list: the types of options, their reader and the JSON Schema follow from it, and a test compares docs/manifests.md.
 */
import { z } from 'zod';
import { parseDurationMs } from '../text/durations';
import { acquiredAnnotation, areaAnnotation, percentAnnotation, platformsAnnotation } from './item-filter';
import { linkOriginsAnnotation } from './link-origins';
import { maskedHeaders } from './masked-headers';

/** Where reading starts if nothing was read before. */
export type StartPoint =
  | { readonly kind: 'new' }
  | { readonly kind: 'all' }
  | { readonly kind: 'time'; readonly time: string }
  /** Where the Sensor of the same name in Argo Events stands. */
  | { readonly kind: 'argo-events' };

/** The same for a Redis stream, which has entry ids (`1647495121754-0`) instead of times. */
export type StreamStart =
  { readonly kind: 'new' } | { readonly kind: 'all' } | { readonly kind: 'id'; readonly id: string };

/** A quota that triggers of several Sensors of a namespace share. */
export interface ConcurrencyGroup {
  readonly name: string;
  readonly limit: number;
}

/** Each report of a sensor names every place that it holds. */
const MAX_GROUP_LIMIT = 1_000;

/** Streams to which the outcome of Argo Workflows is written. */
export interface OutcomeStreamNames {
  readonly success?: string;
  readonly failure?: string;
}

const refuse = (expected: string) => ({ error: expected });

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, refuse(`a whole number from ${least} to ${most}`))
    .transform(Number)
    .refine((value) => value >= least && value <= most, refuse(`a whole number from ${least} to ${most}`));

const duration = z.string().transform((text, context) => {
  const milliseconds = parseDurationMs(text);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  context.addIssue({ code: 'custom', message: 'a duration such as 30s, 15m, 1h30m or 7d' });
  return z.NEVER;
});

const choice = <const Choices extends readonly [string, ...string[]]>(choices: Choices) =>
  z.enum(choices, refuse(`one of ${choices.join(', ')}`));

const dataPath = z.string().min(1, refuse('a path into the event data, such as body.properties.id'));

/** Only keys and indexes: it is looked up beside the engine, for each event. */
const linkPlace = z
  .string()
  .regex(
    /^[\w:/$ -]+(\.[\w:/$ -]+)*$/,
    refuse('auto, or the path of a link in the event data, keys and indexes only, such as body.links.0.href'),
  );

const flag = choice(['true', 'false']).transform((text) => text === 'true');

const startFrom = z.string().transform((text, context): StartPoint => {
  if (text === 'new' || text === 'all' || text === 'argo-events') return { kind: text };
  if (isTimestamp(text)) return { kind: 'time', time: text };
  context.addIssue({ code: 'custom', message: 'new, all, argo-events, or a time such as 2026-01-31T12:00:00Z' });
  return z.NEVER;
});

const streamStart = z.string().transform((text, context): StreamStart => {
  if (text === 'new' || text === 'all') return { kind: text };
  if (/^\d+(-\d+)?$/.test(text)) return { kind: 'id', id: text };
  context.addIssue({ code: 'custom', message: 'new, all, or the id of an entry such as 1647495121754-0' });
  return z.NEVER;
});

const hostAddress = z
  .string()
  .regex(
    /^[^\s/:@]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/,
    refuse(
      'host:port, such as redis.default.svc:6379; user, password and TLS are annotations of their own: ' +
        'sluice.io/outcome-redis-username, -password-secret, -tls',
    ),
  );

/** `<secret>/<key>`, both as Kubernetes allows them. */
const secretKey = z.string().transform((text, context) => {
  const { name, key } = /^(?<name>[a-z0-9]([-a-z0-9.]*[a-z0-9])?)\/(?<key>[-._a-zA-Z0-9]+)$/.exec(text)?.groups ?? {};
  if (name !== undefined && key !== undefined) return { name, key };
  context.addIssue({
    code: 'custom',
    message: '<secret>/<key>, the name of a Secret in the namespace of the object and one of its keys',
  });
  return z.NEVER;
});

const outcomeStreams = z.string().transform((text, context): OutcomeStreamNames => {
  const streams: { success?: string; failure?: string } = {};
  for (const part of text.split(',').map((item) => item.trim())) {
    const [, outcome, stream] = /^(success|failure)=(\S+)$/.exec(part) ?? [];
    if ((outcome !== 'success' && outcome !== 'failure') || stream === undefined || streams[outcome] !== undefined) {
      context.addIssue({ code: 'custom', message: 'success=STREAM,failure=STREAM, or one of the two' });
      return z.NEVER;
    }
    streams[outcome] = stream;
  }
  return streams;
});

/** Dependency → milliseconds; `*` for all that have none of their own. */
const expectations = z.string().transform((text, context): Readonly<Record<string, number>> => {
  const everyMs = new Map<string, number>();
  for (const part of text.split(',').map((item) => item.trim())) {
    const [, name = '*', written = ''] = /^(?:([^=]+)=)?([^=]+)$/.exec(part) ?? [];
    const milliseconds = parseDurationMs(written);
    if (milliseconds === undefined || milliseconds < 1_000 || everyMs.has(name)) {
      context.addIssue({ code: 'custom', message: 'a duration such as 6d, or DEPENDENCY=6d,OTHER=12h; at least 1s' });
      return z.NEVER;
    }
    everyMs.set(name, milliseconds);
  }
  return Object.fromEntries(everyMs);
});

/** `<group>=<limit>`: written together, so that a group never lacks its limit. */
const concurrencyGroup = z.string().transform((text, context): ConcurrencyGroup => {
  const { name, limit } = /^(?<name>[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)=(?<limit>\d{1,4})$/.exec(text)?.groups ?? {};
  if (name !== undefined && Number(limit) >= 1 && Number(limit) <= MAX_GROUP_LIMIT)
    return { name, limit: Number(limit) };
  context.addIssue({
    code: 'custom',
    message: `GROUP=LIMIT, such as gpu=20: a name of lower-case letters, digits and -, and a number from 1 to ${MAX_GROUP_LIMIT}`,
  });
  return z.NEVER;
});

const namespaces = z.string().transform((text, context): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name === '*' || /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))) return names;
  context.addIssue({ code: 'custom', message: 'names of namespaces with commas between them, or *' });
  return z.NEVER;
});

export interface Annotation {
  /** Parses the text of the annotation. */
  readonly schema: z.ZodType<unknown, string>;
  /** The text that an absent annotation stands for. */
  readonly default?: string;
  /** In words, what an absent annotation means, where that is no value of the option. */
  readonly otherwise?: string;
  /** One sentence. */
  readonly description: string;
}

/** An annotation whose value is the option of that name. */
export interface OptionAnnotation extends Annotation {
  readonly option: string;
}

type Value<Row extends Annotation> = z.infer<Row['schema']>;
type HasDefault<Row> = Row extends { readonly default: string } ? true : false;

/** The options that a table of annotations sets: those with a default always, the others only if they are written. */
export type OptionsOf<Table extends Readonly<Record<string, OptionAnnotation>>> = {
  readonly [Name in keyof Table as HasDefault<Table[Name]> extends true ? Table[Name]['option'] : never]: Value<
    Table[Name]
  >;
} & {
  readonly [Name in keyof Table as HasDefault<Table[Name]> extends true ? never : Table[Name]['option']]?: Exclude<
    Value<Table[Name]>,
    undefined
  >;
};

/** Values by annotation name, as they were written. */
export type ValuesOf<Table extends Readonly<Record<string, Annotation>>> = {
  [Name in keyof Table]?: Value<Table[Name]>;
};

/** Annotations that apply to all triggers of a Sensor, or with `.<trigger name>` to one. */
export const FLOW_ANNOTATIONS = {
  concurrency: {
    option: 'concurrency',
    schema: wholeNumber(1, 100_000),
    description: 'Fires in flight at the same time.',
  },
  'concurrency-key': {
    option: 'concurrencyKey',
    schema: dataPath,
    description: 'Apply `concurrency` to each value at this path separately.',
  },
  'concurrency-group': {
    option: 'concurrencyGroup',
    schema: concurrencyGroup,
    description: 'Fires in flight at the same time, over all Sensors of the namespace that name the group.',
  },
  debounce: {
    option: 'debounceMs',
    schema: duration,
    description: 'Fire only after this long without a further event.',
  },
  'debounce-max': {
    option: 'debounceMaxMs',
    schema: duration,
    description: 'With `debounce`: fire at the latest this long after the first event.',
  },
  'batch-size': {
    option: 'batchSize',
    schema: wholeNumber(1, 10_000),
    description: 'Fire once with this many events.',
  },
  'batch-window': {
    option: 'batchWindowMs',
    schema: duration,
    description: 'Fire with an incomplete batch this long after its first event.',
  },
  priority: {
    option: 'priority',
    schema: wholeNumber(1, 5),
    description: 'How urgent its fires are: 1 goes first, 5 last, 3 by default.',
  },
  'priority-from': {
    option: 'priorityFrom',
    schema: dataPath,
    description: "The event's own priority, 1 to 5, at this path; `priority` applies to events without one.",
  },
} as const satisfies Record<string, OptionAnnotation>;

/** Annotations that apply to all dependencies of a Sensor, or with `.<dependency name>` to one. */
export const ITEM_ANNOTATIONS = {
  'stac-intersects': {
    option: 'area',
    schema: areaAnnotation,
    description: 'Only STAC items whose geometry intersects this box, in degrees, or this GeoJSON geometry.',
  },
  'stac-cloud-cover': {
    option: 'cloudCover',
    schema: percentAnnotation,
    description: 'Only STAC items with this cloud cover (`eo:cloud_cover`), in percent.',
  },
  'stac-platform': {
    option: 'platforms',
    schema: platformsAnnotation,
    description: 'Only STAC items of one of these platforms.',
  },
  'stac-datetime': {
    option: 'acquired',
    schema: acquiredAnnotation,
    description: 'Only STAC items acquired in this interval, or within this duration before their event.',
  },
} as const satisfies Record<string, OptionAnnotation>;

export const SENSOR_ANNOTATIONS = {
  listeners: {
    option: 'listeners',
    schema: wholeNumber(1, 100),
    default: '1',
    description: 'Parallel readers of the bus.',
  },
  'run-batch': {
    option: 'runBatch',
    schema: wholeNumber(1, 100),
    default: '100',
    description: 'The most fires that one run carries.',
  },
  'start-from': {
    option: 'startFrom',
    schema: startFrom,
    default: 'new',
    description: 'Where a new Sensor starts on the bus.',
  },
  keep: {
    option: 'keep',
    schema: choice(['latest', 'all']),
    default: 'latest',
    description: 'With several dependencies: the latest event of each, or every event in order.',
  },
  'correlate-by': {
    option: 'correlateBy',
    schema: dataPath,
    description: 'Join only events with the same value at this path.',
  },
  'correlate-window': {
    option: 'correlateWindowMs',
    schema: duration,
    description: 'With `correlate-by`: park events that found no partner within this time.',
  },
  'park-for': {
    option: 'parkForMs',
    schema: duration,
    default: '7d',
    description: 'How long a parked run waits for an operator.',
  },
  'expect-every': {
    option: 'expectEvery',
    schema: expectations,
    description: 'Publish an event when no event has matched a dependency for this long.',
  },
  decisions: {
    option: 'decisions',
    schema: choice(['all', 'problems', 'off']),
    default: 'all',
    description: 'Decisions that are recorded for `sluice explain`.',
  },
  'follow-outcome': {
    option: 'followOutcome',
    schema: flag,
    default: 'true',
    description: 'Whether a run waits for the outcome of the Argo Workflow.',
  },
  'outcome-redis': {
    option: 'outcomeRedis',
    schema: hostAddress,
    description: 'The Redis that outcomes are written to.',
  },
  'outcome-streams': {
    option: 'outcomeStreams',
    schema: outcomeStreams,
    description: 'The streams there.',
  },
} as const satisfies Record<string, OptionAnnotation>;

/** Together they set one option, `outcomeRedisAccess`: see outcome-redis.ts. */
export const OUTCOME_REDIS_ANNOTATIONS = {
  'outcome-redis-username': {
    schema: z.string().min(1, refuse('an ACL user')),
    description: 'The user that writes there; plain text, not a Secret.',
  },
  'outcome-redis-password-secret': {
    schema: secretKey,
    description: "The password, in a Secret of the Sensor's namespace.",
  },
  'outcome-redis-tls': {
    schema: choice(['true', 'false', 'skip-verify']),
    otherwise: 'false',
    description: 'Use TLS; `skip-verify` accepts any certificate.',
  },
  'outcome-redis-ca-secret': {
    schema: secretKey,
    otherwise: 'as the system',
    description: 'With TLS: the trusted CA, PEM.',
  },
  'outcome-redis-client-cert-secret': {
    schema: secretKey,
    description: 'With TLS: the client certificate, PEM.',
  },
  'outcome-redis-client-key-secret': {
    schema: secretKey,
    description: 'With TLS: the key of the client certificate, PEM.',
  },
} as const satisfies Record<string, Annotation>;

export const EVENT_SOURCE_ANNOTATIONS = {
  'start-from': {
    option: 'startFrom',
    schema: streamStart,
    default: 'all',
    description: 'Redis streams: where a new consumer group starts.',
  },
  'max-in-flight': {
    option: 'maxInFlight',
    schema: wholeNumber(1, 100_000),
    default: '1000',
    description: 'Events read and not yet acknowledged, per event name.',
  },
  'id-from': {
    option: 'idFrom',
    schema: dataPath,
    description: "The value to use as the event's id instead of the derived one.",
  },
  'masked-headers': {
    option: 'maskedHeaders',
    schema: maskedHeaders,
    otherwise: 'list',
    description: 'Webhooks: headers and query parameters that are masked in events as credentials.',
  },
  split: {
    option: 'split',
    schema: choice(['stac-items', 'cloudevents']),
    otherwise: 'one event for each payload',
    description:
      'Make an event of each STAC item, or of each event of a CloudEvents batch, in a payload, as its `body`.',
  },
  hydrate: {
    option: 'hydrate',
    schema: linkPlace,
    otherwise: 'links are not followed',
    description:
      'Fetch the STAC item that an event links to: by the link at this path, or, with `auto`, by a link in a known form.',
  },
  'hydrate-from': {
    option: 'hydrateFrom',
    schema: linkOriginsAnnotation,
    description: 'With `hydrate`: the servers that links may lead to.',
  },
  'hydrate-token-secret': {
    option: 'hydrateToken',
    schema: secretKey,
    otherwise: 'no credentials',
    description: 'With `hydrate`: a token that is sent to these servers.',
  },
  'hydrate-for': {
    option: 'hydrateForMs',
    schema: duration,
    otherwise: '10m',
    description: 'With `hydrate`: how long an item is asked for; then its event goes on without it.',
  },
  'signature-secret': {
    option: 'signatureSecret',
    schema: secretKey,
    otherwise: 'requests are not verified',
    description: '`stripe` and `bitbucket`: the secret of the hook, with which the service signs its requests.',
  },
} as const satisfies Record<string, OptionAnnotation>;

export const EVENT_BUS_ANNOTATIONS = {
  'accept-namespaces': {
    option: 'acceptNamespaces',
    schema: namespaces,
    otherwise: 'none',
    description: 'Other namespaces whose events the Sensors of this bus accept, if several share one NATS.',
  },
  retention: {
    option: 'retention',
    // Only what differs from the default is kept in the definition of a bus.
    schema: choice(['limits', 'until-handled']).transform((text) => (text === 'limits' ? undefined : text)),
    otherwise: 'limits',
    description: 'Whether the limits of `streamConfig` remove unhandled events, or make sources wait.',
  },
  stream: {
    option: 'stream',
    schema: choice(['argo-events', 'own']),
    otherwise: 'own with SLUICE_BUS_URL, else argo-events',
    description:
      'Whether events are stored on the stream that Argo Events uses, or on a stream of this EventBus alone.',
  },
} as const satisfies Record<string, OptionAnnotation>;

function isTimestamp(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text))
  );
}
