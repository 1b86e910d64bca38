/** The legal values of each `sluice.io/*` annotation, and what they are parsed into. */
import { z } from 'zod';
import { parseDurationMs } from '../text/durations';
import { maskedHeaders } from './masked-headers';

/** Where reading starts if nothing was read before. */
export type StartFrom =
  { readonly kind: 'new' } | { readonly kind: 'all' } | { readonly kind: 'time'; readonly time: string };

/** The same for a Redis stream, which has entry ids (`1647495121754-0`) instead of times. */
export type StreamStart =
  { readonly kind: 'new' } | { readonly kind: 'all' } | { readonly kind: 'id'; readonly id: string };

/** Streams to which the outcome of Argo Workflows is written. */
export interface OutcomeStreams {
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

const flag = choice(['true', 'false']).transform((text) => text === 'true');

const startFrom = z.string().transform((text, context): StartFrom => {
  if (text === 'new' || text === 'all') return { kind: text };
  if (isTimestamp(text)) return { kind: 'time', time: text };
  context.addIssue({ code: 'custom', message: 'new, all, or a time such as 2026-01-31T12:00:00Z' });
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
    message: '<secret>/<key>, the name of a Secret in the namespace of the Sensor and one of its keys',
  });
  return z.NEVER;
});

const outcomeStreams = z.string().transform((text, context): OutcomeStreams => {
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

/** Annotations that apply to all triggers of a Sensor, or with `.<trigger name>` to one. */
export const FLOW_ANNOTATIONS = {
  concurrency: wholeNumber(1, 100_000).describe('Fires at work at the same time, per concurrency key or in all.'),
  'concurrency-key': dataPath.describe('Data path whose value is the key that concurrency counts for.'),
  debounce: duration.describe('Fire only after this long without a further event.'),
  'debounce-max': duration.describe('With debounce: fire at the latest this long after the first event.'),
  'batch-size': wholeNumber(1, 10_000).describe('Fire once with this many events.'),
  'batch-window': duration.describe('Fire with what there is this long after the first event of a batch.'),
};

export const SENSOR_ANNOTATIONS = {
  listeners: wholeNumber(1, 100).describe('Readers of the bus that work in parallel; default 1.'),
  'run-batch': wholeNumber(1, 100).describe('Fires that one run carries at most; default 100.'),
  'start-from': startFrom.describe('Where a new Sensor starts on the bus: new (default), all, or a time.'),
  keep: choice(['latest', 'all']).describe(
    'With several dependencies: the latest event of each (default), or every event in its turn.',
  ),
  'correlate-by': dataPath.describe('Join only events with the same value at this data path.'),
  'correlate-window': duration.describe('With correlate-by: park what found no partner for this long.'),
  'park-for': duration.describe('How long a parked run waits for a person; default 7d.'),
  decisions: choice(['all', 'problems', 'off']).describe('Which decisions are kept for sluice explain; default all.'),
  'follow-outcome': flag.describe('Whether runs wait for the end of the Argo Workflow; default true.'),
  'outcome-redis': hostAddress.describe('host:port of the Redis that outcomes are written to.'),
  'outcome-redis-username': z.string().min(1, refuse('an ACL user')).describe('ACL user there; text, not a Secret.'),
  'outcome-redis-password-secret': secretKey.describe('Its password: <secret>/<key>, a Secret beside the Sensor.'),
  'outcome-redis-tls': choice(['true', 'false', 'skip-verify']).describe(
    'TLS: true, false (default), or skip-verify, which trusts any certificate.',
  ),
  'outcome-redis-ca-secret': secretKey.describe('The authority to trust, PEM: <secret>/<key>; default: as the system.'),
  'outcome-redis-client-cert-secret': secretKey.describe('The certificate to show, PEM: <secret>/<key>.'),
  'outcome-redis-client-key-secret': secretKey.describe('The key of that certificate, PEM: <secret>/<key>.'),
  'outcome-streams': outcomeStreams.describe('Redis streams for outcomes: success=STREAM,failure=STREAM.'),
};

const namespaces = z.string().transform((text, context): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name === '*' || /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))) return names;
  context.addIssue({ code: 'custom', message: 'names of namespaces with commas between them, or *' });
  return z.NEVER;
});

export const EVENT_BUS_ANNOTATIONS = {
  'accept-namespaces': namespaces.describe(
    'Other namespaces whose events the Sensors of this bus take, where several share one NATS; * for all.',
  ),
  retention: choice(['limits', 'until-handled']).describe(
    'limits (default): the limits of streamConfig remove events, handled or not. until-handled: only handled events ' +
      'are removed, and sources wait while the stream is full.',
  ),
  stream: choice(['argo-events', 'own']).describe(
    'argo-events: the stream and subjects of Argo Events, so that both share the bus. own: a stream of this EventBus ' +
      'alone. Default: own where SLUICE_BUS_URL names the server, else argo-events.',
  ),
};

export const EVENT_SOURCE_ANNOTATIONS = {
  'start-from': streamStart.describe(
    'Redis streams: where a new consumer group starts: all (default), new, or the id of an entry.',
  ),
  'max-in-flight': wholeNumber(1, 100_000).describe('Events read and not yet acknowledged, per event; default 1000.'),
  'id-from': dataPath.describe('Data path whose value is the id of the event, instead of the derived one.'),
  'masked-headers': maskedHeaders.describe(
    'Webhooks: headers and query parameters masked in events: +NAME,-NAME changes the default list, NAME,NAME replaces it.',
  ),
};

function isTimestamp(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text))
  );
}
