/** Checks of an EventSource beyond its schema. */
import { EVENT_SOURCE_KINDS, isSupportedSource, SUPPORTED_SOURCES, type EventSourceKind } from '../kinds/source-kinds';
import type { EventSource, EventSourceSpec } from '../manifest/event-source';
import { Findings, describeValue, type Finding } from '../manifest/problem';
import type { WebhookEventSource } from '../manifest/sources/webhook';
import type { RedisEventSource, RedisStreamEventSource } from '../manifest/sources/redis';
import { validateBackoff, validateCron, validateDuration, validateTimezone, validateTls } from './validate-common';

const BROKER_KINDS = ['amqp', 'kafka', 'mqtt', 'nats', 'nsq', 'emitter', 'pulsar'] as const;
type BrokerOptions = NonNullable<EventSourceSpec[(typeof BROKER_KINDS)[number]]>[string];

export function validateEventSource({ spec }: EventSource): Finding[] {
  const findings = new Findings();
  const here = findings.at('spec');
  validateEventNames(spec, here);
  for (const [name, webhook] of Object.entries(spec.webhook ?? {})) validateWebhook(webhook, here.at('webhook', name));
  validateSharedEndpoints(spec, here);
  for (const [name, redis] of Object.entries(spec.redis ?? {})) {
    validateRedis(redis, 'channels', redis.channels, here.at('redis', name));
  }
  for (const [name, stream] of Object.entries(spec.redisStream ?? {})) {
    validateRedis(stream, 'streams', stream.streams, here.at('redisStream', name));
  }
  validateOtherKinds(spec, here);
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

function validateWebhook(webhook: WebhookEventSource, findings: Findings): void {
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
  for (const [name, { port, endpoint, method }] of Object.entries(spec.webhook ?? {})) {
    const address = `${method ?? 'POST'} :${port}/${endpoint.replace(/^\/+/, '')}`;
    const former = users.get(address);
    if (former !== undefined) {
      findings.at('webhook', name).error(`${address} is already taken by the event ${former}`, {
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
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index)
      findings.at(field, index).error(`${name} is listed twice`, { fix: 'Remove one.' });
  });
}

/** Rules of Argo Events for kinds that Sluice does not run: mistakes should show before it does. */
function validateOtherKinds(spec: EventSourceSpec, findings: Findings): void {
  for (const [name, calendar] of Object.entries(spec.calendar ?? {})) {
    const here = findings.at('calendar', name);
    if (!calendar.schedule && !calendar.interval) {
      here.error('neither schedule nor interval is set', { fix: 'Set schedule (cron) or interval (such as 10s).' });
    }
    if (calendar.schedule) validateCron(calendar.schedule, here.at('schedule'));
    else validateDuration(calendar.interval, here.at('interval'));
    validateTimezone(calendar.timezone, here.at('timezone'));
    validateDuration(calendar.persistence?.catchup?.maxDuration, here.at('persistence', 'catchup', 'maxDuration'));
  }
  for (const [name, amqp] of Object.entries(spec.amqp ?? {})) {
    if (!amqp.url && amqp.urlSecret === undefined) {
      findings.at('amqp', name).error('neither url nor urlSecret is set', { fix: 'Set url, or urlSecret to hide it.' });
    }
  }
  for (const [name, kafka] of Object.entries(spec.kafka ?? {})) {
    if (!kafka.partition && kafka.consumerGroup === undefined) {
      findings.at('kafka', name).error('neither partition nor consumerGroup is set', {
        fix: 'Set consumerGroup.groupName to read all partitions, or partition for one.',
      });
    }
  }
  for (const kind of BROKER_KINDS) {
    const events: Readonly<Record<string, BrokerOptions>> = spec[kind] ?? {};
    for (const [name, broker] of Object.entries(events)) {
      validateBackoff(broker.connectionBackoff, findings.at(kind, name, 'connectionBackoff'));
      validateTls(broker.tls, findings.at(kind, name, 'tls'));
    }
  }
}
