/** Producers of the `kafka` trigger: how a template's url, tls and sasl become an open connection. */
import { CompressionCodecs, CompressionTypes, Kafka, logLevel, type Producer, type SASLOptions } from 'kafkajs';
import { compress, uncompress } from 'snappyjs';
import { SluiceError } from '../../errors/sluice-error';
import type { SecretReader } from '../../kubernetes/secrets';
import type { SaslConfig } from '../../manifest/common';
import type { KafkaTriggerTemplate } from '../../manifest/triggers/brokers';
import { requireAllowedTargets } from '../allowed-targets';
import { connectGuarded, limitReading } from '../guarded-socket';
import { describeKafkaFailure } from './kafka-failure';
import { readTls, type TlsSettings } from '../tls';

export type KafkaTemplate = Omit<KafkaTriggerTemplate, 'payload' | 'parameters'>;

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly tls?: TlsSettings;
  readonly sasl?: SASLOptions;
}

const TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;
/** The largest reply that a producer asks for lists all partitions of its topics and all brokers. */
const REPLIES = { burst: 16 * 1024 * 1024, perSecond: 256 * 1024 };

// kafkajs supports the format but leaves the choice of an implementation to its user.
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: (encoder: { buffer: Buffer }) => Promise.resolve(compress(encoder.buffer)),
  decompress: (buffer: Buffer) => Promise.resolve(uncompress(buffer)),
});

/** Reads every secret. Throws SECRET_MISSING, and TRIGGER_UNSUPPORTED for unsupported SASL mechanisms. */
export async function readKafkaSettings(
  template: KafkaTemplate,
  namespace: string,
  secrets: SecretReader,
): Promise<KafkaSettings> {
  const [tls, sasl] = await Promise.all([
    readTls(template.tls, (selector) => secrets.secret(namespace, selector)),
    readSasl(template.sasl, namespace, secrets),
  ]);
  const brokers = template.url.split(',').map((broker) => broker.trim());
  return { brokers: brokers.filter((broker) => broker !== ''), tls, sasl };
}

/** Throws TRIGGER_UNREACHABLE, or TRIGGER_REFUSED for a blocked address or credentials that the broker rejects. */
export async function openProducer({ brokers, tls, sasl }: KafkaSettings): Promise<Producer> {
  const what = `Kafka at ${brokers.join(', ')}`;
  await requireAllowedTargets(what, brokers);
  const kafka = new Kafka({
    clientId: 'sluice',
    brokers: [...brokers],
    ssl: tls ? { ...tls } : false,
    sasl,
    connectionTimeout: TIMEOUT_MS,
    authenticationTimeout: TIMEOUT_MS,
    // Long waits belong to the run, where an operator can see them.
    retry: { retries: 2, initialRetryTime: 200 },
    logLevel: logLevel.NOTHING,
    // Each broker that the cluster advertises is connected here, too.
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connectGuarded({ host, port, ...(tls && { tls }) }, onConnect);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      limitReading(socket, REPLIES);
      return socket;
    },
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
