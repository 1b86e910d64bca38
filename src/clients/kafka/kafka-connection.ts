/** Connections of the `kafka` trigger and source: how url, tls and sasl of a manifest become an open client. */
import type { Producer, SASLOptions } from 'kafkajs';
import { SluiceError } from '../../errors/sluice-error';
import type { SecretReader } from '../../kubernetes/secrets';
import type { SaslConfig } from '../../manifest/common';
import type { KafkaTriggerTemplate } from '../../manifest/triggers/brokers';
import { requireAllowedTargets } from '../allowed-targets';
import { limitReading } from '../guarded-socket';
import { readTls } from '../tls';
import { createKafka, describeBrokers, type KafkaSettings } from './kafka-client';
import { describeKafkaFailure } from './kafka-failure';

export type KafkaTemplate = Omit<KafkaTriggerTemplate, 'payload' | 'parameters'>;

/** The fields of a manifest that lead to a cluster. */
export type KafkaServerSpec = Pick<KafkaTemplate, 'url' | 'tls' | 'sasl'>;

const TIMEOUT_MS = 10_000;
/** The largest reply that a producer asks for lists all partitions of its topics and all brokers. */
const REPLIES = { burst: 16 * 1024 * 1024, perSecond: 256 * 1024 };

/** Reads every secret. Throws SECRET_MISSING, and TRIGGER_UNSUPPORTED for unsupported SASL mechanisms. */
export async function readKafkaSettings(
  template: KafkaServerSpec,
  namespace: string,
  secrets: SecretReader,
): Promise<KafkaSettings> {
  const [tls, sasl] = await Promise.all([
    readTls(template.tls, (selector) => secrets.secret(namespace, selector)),
    readSasl(template.sasl, namespace, secrets),
  ]);
  return { brokers: listBrokers(template.url), tls, sasl };
}

export function listBrokers(url: string): readonly string[] {
  const brokers = url.split(',').map((broker) => broker.trim());
  return brokers.filter((broker) => broker !== '');
}

/** Throws TRIGGER_UNREACHABLE, or TRIGGER_REFUSED for a blocked address or credentials that the broker rejects. */
export async function openProducer(settings: KafkaSettings): Promise<Producer> {
  const what = describeBrokers(settings.brokers);
  await requireAllowedTargets(what, settings.brokers);
  const kafka = createKafka(settings, {
    limit: (socket) => limitReading(socket, REPLIES),
    timeoutMs: TIMEOUT_MS,
    retries: 2,
  });
  const producer = kafka.producer({ allowAutoTopicCreation: true });
  try {
    await producer.connect();
    return producer;
  } catch (error) {
    await producer.disconnect().catch(() => undefined);
    throw describeKafkaFailure(error, what);
  }
}

async function readSasl(
  sasl: SaslConfig | undefined,
  namespace: string,
  secrets: SecretReader,
): Promise<SASLOptions | undefined> {
  if (sasl === undefined) return undefined;
  const read = async () => {
    const [username, password] = await Promise.all([
      secrets.secret(namespace, sasl.userSecret),
      secrets.secret(namespace, sasl.passwordSecret),
    ]);
    return { username, password };
  };
  const mechanism = sasl.mechanism ?? 'PLAIN';
  switch (mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', ...(await read()) };
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', ...(await read()) };
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', ...(await read()) };
    case 'OAUTHBEARER':
    case 'GSSAPI':
      throw new SluiceError('TRIGGER_UNSUPPORTED', {
        message: `kafka.sasl.mechanism ${mechanism} is not supported yet`,
        fix: 'Use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
      });
  }
}
