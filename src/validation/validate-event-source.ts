/** Checks of an EventSource beyond its schema. */
import { EVENT_SOURCE_KINDS, isSupportedSource, SUPPORTED_SOURCES, type EventSourceKind } from '../kinds/source-kinds';
import type { EventOptions, EventSource, EventSourceSpec } from '../manifest/event-source';
import { Findings, describeValue, type Finding } from '../manifest/problem';
import type { WebhookContext } from '../manifest/sources/shared';
import type { RedisEventSource, RedisStreamEventSource } from '../manifest/sources/redis';
import { parseGoDurationMs } from '../text/durations';
import { validateNatsUrl } from './validate-event-bus';
import { validateMessageBrokers } from './validate-message-brokers';
import { warnOfPodFields, warnOfReplicas } from './validate-pod-template';
import { validateKafka, validateSqs } from './validate-queues';
import { validateStac } from './validate-stac';
import { validateBackoff, validateCron, validateDuration, validateTimezone, validateTls } from './validate-common';

const BROKER_KINDS = ['amqp', 'kafka', 'mqtt', 'nats', 'nsq', 'emitter', 'pulsar'] as const;
type BrokerOptions = NonNullable<EventSourceSpec[(typeof BROKER_KINDS)[number]]>[string];

export function validateEventSource({ spec }: EventSource): Finding[] {
  const findings = new Findings();
  const here = findings.at('spec');
  // Only this kind reads the API server.
  warnOfPodFields(spec.template ?? {}, spec.resource ? ['serviceAccountName'] : [], here.at('template'));
  warnOfReplicas(spec.replicas, 'Start more event source workers: one takes over from another,', here);
  validateEventNames(spec, here);
  for (const { kind, name, hook, at } of declaredHooks(spec)) {
    const place = here.at(kind, name, ...at);
    if (hook === undefined)
      here.at(kind, name).error('webhook is missing', { fix: 'Add webhook with endpoint and port.' });
    else validateWebhook(hook, place);
  }
  validateSharedEndpoints(spec, here);
  validateHookOptions(spec, here);
  for (const [name, redis] of Object.entries(spec.redis ?? {})) {
    const { channels = [], patterns = [] } = redis;
    const place = here.at('redis', name);
    validateRedis(redis, 'channels', channels, place);
    validateNames('patterns', patterns, place);
    if (channels.length + patterns.length === 0) {
      place.at('channels').error('no channels are named', { fix: 'Name channels, or patterns of channels.' });
    }
  }
  for (const [name, stream] of Object.entries(spec.redisStream ?? {})) {
    validateRedis(stream, 'streams', stream.streams, here.at('redisStream', name));
  }
  for (const [name, calendar] of Object.entries(spec.calendar ?? {})) {
    validateCalendar(calendar, here.at('calendar', name));
  }
  for (const [name, resource] of Object.entries(spec.resource ?? {})) {
    validateResource(resource, here.at('resource', name));
  }
  for (const [name, stac] of Object.entries(spec.stac ?? {})) {
    validateStac(stac, here.at('stac', name));
  }
  validateBrokers(spec, here);
  return findings.list;
}

/** Event names of a spec with their kinds, in the order of EVENT_SOURCE_KINDS. */
export function declaredEvents(spec: EventSourceSpec): Array<{ kind: EventSourceKind; name: string }> {
  return EVENT_SOURCE_KINDS.flatMap((kind) => Object.keys(spec[kind] ?? {}).map((name) => ({ kind, name })));
}

function validateEventNames(spec: EventSourceSpec, findings: Findings): void {
  const events = declaredEvents(spec);
  if (events.length === 0) {
    findings.warning('no events are defined, so nothing is read', {
      fix: `Add a block such as redisStream. Known kinds: ${EVENT_SOURCE_KINDS.join(', ')}.`,
    });
  }
  const kindOf = new Map<string, EventSourceKind>();
  for (const { kind, name } of events) {
    const former = kindOf.get(name);
    if (former !== undefined) {
      findings.at(kind, name).error(`the event name ${name} is already used under spec.${former}`, {
        fix: 'Give each event of an EventSource its own name: sensors refer to it without the kind.',
      });
    }
    kindOf.set(name, kind);
    if (name === '') findings.at(kind, name).error('an event needs a name', { fix: 'Name it in the key.' });
  }
  for (const kind of EVENT_SOURCE_KINDS) {
    if (spec[kind] === undefined || isSupportedSource(kind)) continue;
    findings.at(kind).warning(`not run by Sluice yet: events of this kind will not arrive`, {
      expected: `one of ${SUPPORTED_SOURCES.join(', ')}`,
      fix: 'Leave this EventSource to Argo Events on the same bus: sensors of Sluice read its events.',
    });
  }
}

/** Kinds that listen for requests of a service, with the listener in `webhook`. */
const HOOK_KINDS = ['bitbucket', 'bitbucketserver', 'github', 'gitlab', 'slack', 'sns', 'stripe'] as const;

interface DeclaredHook {
  readonly kind: EventSourceKind;
  readonly name: string;
  readonly hook: WebhookContext | undefined;
  /** Where the listener is in the options. */
  readonly at: readonly string[];
}

function declaredHooks(spec: EventSourceSpec): DeclaredHook[] {
  const ofServices = HOOK_KINDS.flatMap((kind) => {
    const events: Readonly<Record<string, { webhook?: WebhookContext }>> = spec[kind] ?? {};
    return Object.entries(events).map(([name, { webhook }]) => ({ kind, name, hook: webhook, at: ['webhook'] }));
  });
  const plain = Object.entries(spec.webhook ?? {});
  return [...plain.map(([name, hook]) => ({ kind: 'webhook', name, hook, at: [] }) as const), ...ofServices];
}

/** Fields with which Argo Events registers hooks at a service. Sluice receives hooks, and does not register them. */
const REGISTRATION = {
  github: { service: 'GitHub', fields: ['apiToken', 'githubApp', 'deleteHookOnFinish'] },
  gitlab: { service: 'GitLab', fields: ['accessToken', 'deleteHookOnFinish'] },
  bitbucket: { service: 'Bitbucket', fields: ['auth', 'deleteHookOnFinish'] },
  bitbucketserver: { service: 'Bitbucket Server', fields: ['accessToken', 'deleteHookOnFinish'] },
  stripe: { service: 'Stripe', fields: ['createWebhook', 'apiKey'] },
  sns: { service: 'Amazon SNS', fields: ['accessKey', 'secretKey', 'roleARN'] },
} as const satisfies Partial<Record<EventSourceKind, { service: string; fields: readonly string[] }>>;

function validateHookOptions(spec: EventSourceSpec, findings: Findings): void {
  for (const kind of Object.keys(REGISTRATION) as Array<keyof typeof REGISTRATION>) {
    const { service, fields } = REGISTRATION[kind];
    const events: Readonly<Record<string, object>> = spec[kind] ?? {};
    for (const [name, options] of Object.entries(events)) {
      for (const [field, value] of Object.entries(options)) {
        if (!fields.some((known) => known === field) || value === undefined || value === false) continue;
        findings.at(kind, name, field).warning(`not used: Sluice does not register hooks at ${service}`, {
          fix: `Create the hook at ${service} yourself, with the address of the endpoint.`,
        });
      }
    }
  }
  for (const [name, { skipBranchRefsChangedOnOpenPR }] of Object.entries(spec.bitbucketserver ?? {})) {
    if (!skipBranchRefsChangedOnOpenPR) continue;
    findings
      .at('bitbucketserver', name, 'skipBranchRefsChangedOnOpenPR')
      .warning('not used: branches with an open pull request make events, too', {
        fix: 'Remove it and filter in the sensor, or leave this EventSource to Argo Events.',
      });
  }
}

function validateWebhook(webhook: WebhookContext, findings: Findings): void {
  const port = Number(webhook.port);
  if (!/^\d+$/.test(webhook.port) || port < 1 || port > 65_535) {
    findings.at('port').error('not a port', { found: describeValue(webhook.port), expected: '"1" to "65535"' });
  }
  if ((webhook.serverCertSecret === undefined) !== (webhook.serverKeySecret === undefined)) {
    const missing = webhook.serverCertSecret === undefined ? 'serverCertSecret' : 'serverKeySecret';
    findings.error(`HTTPS needs both serverCertSecret and serverKeySecret: ${missing} is missing`, {
      fix: `Set ${missing}, or remove the other one to serve HTTP.`,
    });
  }
}

/** A request to a shared address cannot choose between two events. */
function validateSharedEndpoints(spec: EventSourceSpec, findings: Findings): void {
  const users = new Map<string, string>();
  for (const { kind, name, hook } of declaredHooks(spec)) {
    if (hook === undefined) continue;
    const { port, endpoint, method } = hook;
    const address = `${method ?? 'POST'} :${port}/${endpoint.replace(/^\/+/, '')}`;
    const former = users.get(address);
    if (former !== undefined) {
      findings.at(kind, name).error(`${address} is already taken by the event ${former}`, {
        fix: 'Give it another endpoint or port.',
      });
    }
    users.set(address, name);
  }
}

function validateRedis(
  redis: RedisEventSource | RedisStreamEventSource,
  field: 'channels' | 'streams',
  names: readonly string[],
  findings: Findings,
): void {
  if (/^[a-z]+:\/\//i.test(redis.hostAddress)) {
    findings.at('hostAddress').error('not an address of the form host:port', {
      found: describeValue(redis.hostAddress),
      expected: 'host:port without a scheme, such as redis.default.svc:6379',
      fix: 'Remove the scheme; for TLS set tls.enabled: true.',
    });
  }
  validateTls(redis.tls, findings.at('tls'));
  validateNames(field, names, findings);
}

function validateNames(field: 'channels' | 'patterns' | 'streams', names: readonly string[], findings: Findings): void {
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index)
      findings.at(field, index).error(`${name} is listed twice`, { fix: 'Remove one.' });
  });
}

const EXCLUSION_PREFIX = 'EXDATE:';

function validateCalendar(calendar: EventOptions<'calendar'>, findings: Findings): void {
  const { schedule, interval, timezone, exclusionDates = [], persistence } = calendar;
  if (!schedule && !interval) {
    findings.error('neither schedule nor interval is set', { fix: 'Set schedule (cron) or interval (such as 10s).' });
  }
  if (schedule) validateCron(schedule, findings.at('schedule'));
  else if (interval && (parseGoDurationMs(interval) ?? 1_000) < 1_000) {
    findings.at('interval').error('shorter than a second', { found: describeValue(interval), expected: '1s or more' });
  } else validateDuration(interval, findings.at('interval'));
  validateTimezone(timezone, findings.at('timezone'));
  exclusionDates.forEach((entry, index) => {
    if (!entry.startsWith(EXCLUSION_PREFIX)) {
      findings.at('exclusionDates', index).warning('excludes nothing, as EXDATE: is missing before it', {
        found: describeValue(entry),
        fix: `Write ${EXCLUSION_PREFIX}20190102T150405Z; the whole day is excluded.`,
      });
    } else if (!/^(\d{8}T\d{6}Z)(,\d{8}T\d{6}Z)*$/.test(entry.slice(EXCLUSION_PREFIX.length))) {
      findings.at('exclusionDates', index).error('not a list of times', {
        found: describeValue(entry),
        expected: `${EXCLUSION_PREFIX}20190102T150405Z, further times after commas`,
      });
    }
  });
  const { catchup, configMap } = persistence ?? {};
  validateDuration(catchup?.maxDuration, findings.at('persistence', 'catchup', 'maxDuration'));
  if (configMap !== undefined) {
    findings.at('persistence', 'configMap').warning('not used: the position is kept on the event bus', {
      fix: 'Leave it for Argo Events, or remove it.',
    });
  }
}

const LABEL_OPERATIONS = ['', '=', '==', '!=', 'in', 'notin', 'exists', '!', 'gt', 'lt'];
const FIELD_OPERATIONS = ['', '=', '==', '!='];

function validateResource({ group, resource, filter }: EventOptions<'resource'>, findings: Findings): void {
  if (!group && resource === 'secrets') {
    findings.at('resource').error('the contents of Secrets would be part of the events', { found: '"secrets"' });
  }
  const check = (field: 'labels' | 'fields', operations: readonly string[]): void => {
    (filter?.[field] ?? []).forEach(({ operation = '' }, index) => {
      if (operations.includes(operation)) return;
      findings.at('filter', field, index, 'operation').error('unknown operation', {
        found: describeValue(operation),
        expected: `one of ${operations.filter((known) => known !== '').join(' ')}`,
      });
    });
  };
  check('labels', LABEL_OPERATIONS);
  check('fields', FIELD_OPERATIONS);
  if (filter?.createdBy && Number.isNaN(Date.parse(filter.createdBy))) {
    findings.at('filter', 'createdBy').error('not a time', {
      found: describeValue(filter.createdBy),
      expected: 'a time such as 2026-01-01T00:00:00Z',
    });
  }
}

/** Rules of Argo Events for brokers, also for kinds that Sluice does not run: mistakes should show before it does. */
function validateBrokers(spec: EventSourceSpec, findings: Findings): void {
  validateMessageBrokers(spec, findings);
  for (const [name, kafka] of Object.entries(spec.kafka ?? {})) validateKafka(kafka, findings.at('kafka', name));
  for (const [name, sqs] of Object.entries(spec.sqs ?? {})) validateSqs(sqs, findings.at('sqs', name));
  for (const [name, { url }] of Object.entries(spec.nats ?? {})) {
    validateNatsUrl(url, findings.at('nats', name, 'url'));
  }
  for (const [name, { url, tls }] of Object.entries(spec.natsJetStream ?? {})) {
    const place = findings.at('natsJetStream', name);
    validateNatsUrl(url, place.at('url'));
    validateTls(tls, place.at('tls'));
  }
  for (const kind of BROKER_KINDS) {
    const events: Readonly<Record<string, BrokerOptions>> = spec[kind] ?? {};
    for (const [name, broker] of Object.entries(events)) {
      const backoff = findings.at(kind, name, 'connectionBackoff');
      validateBackoff(broker.connectionBackoff, backoff);
      if (broker.connectionBackoff !== undefined && isSupportedSource(kind)) {
        backoff.warning('not used: Sluice connects again until it succeeds, after at most 5 s each time', {
          fix: 'Leave it for Argo Events, or remove it.',
        });
      }
      validateTls(broker.tls, findings.at(kind, name, 'tls'));
    }
  }
}
