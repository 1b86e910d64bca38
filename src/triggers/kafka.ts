/**
 * Trigger `kafka`: one record per fire, done when the broker has confirmed it.
 *
 * Every record carries the fire's id in the header `idempotency-key`, so that a consumer can recognise a duplicate.
 */
import { CompressionTypes, type Producer } from 'kafkajs';
import { SluiceError } from '../errors/sluice-error';
import { traceparentOf } from '../event/cloud-event';
import { textOf } from '../event/json-text';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { ConnectionCache } from '../clients/connection-cache';
import { describeHeaders, layHeaders, plainHeaders, resolveHeaders, secureHeaders, type NamedHeader } from './headers';
import type { KafkaSettings } from '../clients/kafka/kafka-client';
import { openProducer, readKafkaSettings, type KafkaTemplate } from '../clients/kafka/kafka-connection';
import { describeKafkaFailure } from '../clients/kafka/kafka-failure';
import type { FireRequest, Trigger, TriggerDependencies, TriggerOf } from './trigger';

export const kafkaTrigger: TriggerOf<'kafka', 'payload' | 'parameters'> = { kind: 'kafka', create: createKafkaTrigger };

const TIMEOUT_MS = 10_000;
const ALL_REPLICAS = -1;

function createKafkaTrigger({ secrets }: TriggerDependencies): Trigger<KafkaTemplate> {
  const producers = new ConnectionCache<KafkaSettings, Producer>({
    open: openProducer,
    close: (producer) => producer.disconnect(),
  });

  return {
    async fire(request) {
      const { template, namespace, signal } = request;
      const { topic, key, value, headers: composed } = composeRecord(request);
      const [settings, headers] = await Promise.all([
        readKafkaSettings(template, namespace, secrets),
        resolveHeaders(composed, namespace, secrets),
      ]);
      signal.throwIfAborted();
      const sending = producers.use(settings, async (producer) => {
        try {
          const [placed] = await producer.send({
            topic,
            acks: template.requiredAcks ?? ALL_REPLICAS,
            compression: template.compress ? CompressionTypes.Snappy : CompressionTypes.None,
            timeout: TIMEOUT_MS,
            messages: [{ key, value, headers }],
          });
          return { kind: 'response' as const, summary: describePlace(topic, placed) };
        } catch (error) {
          throw describeKafkaFailure(error, `Kafka did not accept the record for topic ${topic}`);
        }
      });
      // kafkajs knows no cancellation, and waits for half a minute for a broker that does not respond.
      return await unlessAborted(sending, signal);
    },
    preview(request) {
      const { topic, key, value, headers } = composeRecord(request);
      return { brokers: request.template.url, topic, key: key ?? null, headers: describeHeaders(headers), value };
    },
    close: () => producers.close(),
  };
}

interface ComposedRecord {
  readonly topic: string;
  readonly key?: string;
  readonly value: string;
  readonly headers: NamedHeader[];
}

function composeRecord({ template, payload, fireId, events }: FireRequest<KafkaTemplate>): ComposedRecord {
  if (template.schemaRegistry) {
    throw new SluiceError('TRIGGER_UNSUPPORTED', {
      message: 'kafka.schemaRegistry is not supported yet: records cannot be written as Avro',
      fix: 'Remove schemaRegistry to send JSON, or use a custom trigger',
    });
  }
  return {
    topic: template.topic,
    key: template.partitioningKey || undefined,
    value: textOf(payload ?? null),
    headers: layHeaders(
      plainHeaders({ 'idempotency-key': fireId, traceparent: traceparentOf(Object.values(events)) }),
      plainHeaders(template.headers),
      secureHeaders(template.secureHeaders),
    ),
  };
}

function describePlace(topic: string, placed: { partition: number; baseOffset?: string } | undefined): string {
  if (placed === undefined) return `sent a record to topic ${topic}, unconfirmed because requiredAcks is 0`;
  return `wrote to topic ${topic}, partition ${placed.partition}, offset ${placed.baseOffset ?? 'unknown'}`;
}
