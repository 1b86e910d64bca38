/** Checks of an EventBus beyond its schema. */
import type { z } from 'zod';
import { parseGoDurationMs } from '../text/durations';
import type { EventBusOptions } from '../manifest/annotations';
import { EVENT_BUS_KINDS, streamConfigSchema, type EventBus } from '../manifest/event-bus';
import { fitToSchema } from './fit-to-schema';
import { isFields } from '../manifest/fields';
import { Findings, describeValue, type Finding } from '../manifest/problem';
import { schemaFindings } from './schema-findings';
import { requireOneOf, validateTls } from './validate-common';
import { roundNumbers } from '../yaml/exact-numbers';
import { parseYamlDocuments } from '../yaml/yaml-documents';

export function validateEventBus({ spec }: EventBus, options: EventBusOptions = {}): Finding[] {
  const findings = new Findings();
  const here = findings.at('spec');
  if (options.stream === 'own' && options.acceptNamespaces !== undefined) {
    findings
      .at('metadata', 'annotations', 'sluice.io/accept-namespaces')
      .warning('has no effect: a stream of its own has no events of other namespaces', {
        fix: 'Set sluice.io/stream: argo-events on this EventBus and on those whose events are taken.',
      });
  }
  requireOneOf(spec, EVENT_BUS_KINDS, 'kind of bus', here);
  const { nats, jetstream, jetstreamExotic, kafka } = spec;
  if (nats !== undefined) {
    requireOneOf(nats, ['native', 'exotic'], 'way to run NATS Streaming', here.at('nats'));
    here.at('nats').unsupported('NATS Streaming, which Argo Events has removed, carries no events for Sluice', {
      fix: replaceStan(nats),
    });
  }
  if (kafka !== undefined) {
    here.at('kafka').unsupported('Sluice does not run on Kafka yet', {
      fix: 'Use jetstream or jetstreamExotic; Argo Events can share that bus.',
    });
    validateTls(kafka.tls, here.at('kafka', 'tls'));
  }
  if (jetstream !== undefined) {
    const { replicas } = jetstream;
    if (replicas !== undefined && (replicas < 1 || replicas === 2)) {
      here.at('jetstream', 'replicas').error('not a number of servers that JetStream can run with', {
        found: describeValue(replicas),
        expected: '1, or 3 or more',
      });
    }
    validateStreamConfig(jetstream.streamConfig, options, here.at('jetstream', 'streamConfig'));
  }
  if (jetstreamExotic !== undefined) {
    validateNatsUrl(jetstreamExotic.url, here.at('jetstreamExotic', 'url'));
    validateStreamConfig(jetstreamExotic.streamConfig, options, here.at('jetstreamExotic', 'streamConfig'));
    validateTls(jetstreamExotic.tls, here.at('jetstreamExotic', 'tls'));
  }
  return findings.list;
}

/** The command that writes the replacement. Sensors and event sources need no change: they refer to the name. */
function replaceStan({ exotic }: NonNullable<EventBus['spec']['nats']>): string {
  const server = exotic === undefined ? '' : ' --nats-url nats://HOST:4222, with a NATS server that has JetStream';
  return (
    `Run: sluice migrate eventbus -f FILE${server}. ` +
    'Events that wait on the old bus do not move: let its sensors handle them first.'
  );
}

/** One or several addresses separated by commas. */
export function validateNatsUrl(urls: string, findings: Findings): void {
  for (const url of urls.split(',').map((text) => text.trim())) {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
    if (url !== '' && (scheme === undefined || /^(nats|tls|ws|wss)$/i.test(scheme))) continue;
    findings.error('not the address of a NATS server', {
      found: describeValue(url),
      expected: 'nats://host:4222, several with commas between them',
    });
  }
}

/** `streamConfig` is YAML inside YAML; Argo Events reads it only when it creates the stream. */
function validateStreamConfig(text: string | undefined, options: EventBusOptions, findings: Findings): void {
  if (text === undefined || text.trim() === '') return;
  const { documents, mistakes } = parseYamlDocuments(text);
  if (mistakes[0] !== undefined) {
    findings.error(mistakes[0].message);
    return;
  }
  const config = roundNumbers(documents[0]?.value);
  if (!isFields(config)) {
    findings.error('must be YAML with fields such as maxAge: 72h', { found: describeValue(config) });
    return;
  }
  const { value, findings: unknownFields } = fitToSchema('EventBus', streamConfigSchema, config);
  for (const unknown of unknownFields) {
    findings.warning(`${unknown.message}; it is ignored`, { expected: unknown.expected, fix: unknown.fix });
  }
  const parsed = streamConfigSchema.safeParse(value);
  if (!parsed.success) {
    for (const issue of schemaFindings(parsed.error.issues, value)) {
      const details = { found: issue.found, expected: issue.expected, fix: issue.fix };
      findings.error(`${issue.path.join('.')}: ${issue.message}`, details);
    }
    return;
  }
  for (const field of ['maxAge', 'duplicates'] as const) {
    const duration = parsed.data[field];
    if (duration !== undefined && parseGoDurationMs(duration) === undefined) {
      const expected = 'a Go duration such as 72h or 300s';
      findings.error(`${field} is not a duration`, { found: describeValue(duration), expected });
    }
  }
  warnOfLosses(parsed.data, options, findings);
}

/** Settings with which events are lost, or duplicates count as new events, without any fault. */
function warnOfLosses(config: z.infer<typeof streamConfigSchema>, options: EventBusOptions, findings: Findings): void {
  const { maxAge, duplicates, maxMsgs, maxBytes, discard } = config;
  const [ageMs, duplicatesMs] = [maxAge, duplicates].map((text) => (text ? parseGoDurationMs(text) : undefined));
  if (ageMs !== undefined && ageMs > 0 && duplicatesMs !== undefined && duplicatesMs > ageMs) {
    findings.warning('duplicates is longer than maxAge, and is reduced to it', {
      found: `${duplicates}, with maxAge ${maxAge}`,
      fix: 'Raise maxAge, or lower duplicates.',
    });
  }
  const limits = Object.entries({ maxMsgs, maxBytes }).filter(([, limit]) => limit !== undefined && Number(limit) > 0);
  const isLossy = limits.length > 0 && discard !== 1 && options.retention !== 'until-handled';
  if (!isLossy) return;
  findings.warning(
    `above ${limits.map(([name]) => name).join(' or ')} the oldest events are removed, whether sensors have handled them or not`,
    { fix: 'Add discard: 1, or the annotation sluice.io/retention: until-handled: sources then wait instead.' },
  );
}
