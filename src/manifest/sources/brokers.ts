/** Sources that read a message broker. */
import { z } from 'zod';
import {
  basicAuth,
  natsAuth,
  optionalFlag,
  optionalText,
  requiredText,
  saslConfig,
  schemaRegistry,
  secretKeySelector,
  stringMap,
  tlsConfig,
} from '../common';
import { withConnectionBackoff, withJsonBody, withMetadataAndFilter } from './shared';

const messageSource = { ...withJsonBody, ...withMetadataAndFilter };
const brokerSource = {
  ...messageSource,
  ...withConnectionBackoff,
  tls: tlsConfig.optional().describe('TLS to the server.'),
};

const notAwaited = optionalFlag.describe('Accepted; Sluice waits for the answer of the broker.');

export const amqpEventSource = z.strictObject({
  ...brokerSource,
  url: optionalText.describe('Address of the broker: amqp://host:5672/vhost.'),
  urlSecret: secretKeySelector.optional().describe('The address, with its user and password.'),
  exchangeName: optionalText.describe('Exchange to bind the queue to; empty: the queue is read as it is.'),
  exchangeType: optionalText.describe('fanout, direct, topic or headers.'),
  routingKey: optionalText.describe('Which messages of the exchange the queue gets.'),
  exchangeDeclare: z
    .strictObject({
      durable: optionalFlag.describe('It outlives a restart of the broker.'),
      autoDelete: optionalFlag.describe('It is deleted with its last queue.'),
      internal: optionalFlag.describe('Only other exchanges publish to it.'),
      noWait: notAwaited,
    })
    .optional()
    .describe('How the exchange is declared; default: durable.'),
  queueDeclare: z
    .strictObject({
      name: optionalText.describe('Queue; empty: the broker names one that ends with the connection.'),
      durable: optionalFlag.describe('It outlives a restart of the broker.'),
      autoDelete: optionalFlag.describe('It is deleted with its last reader.'),
      exclusive: optionalFlag.describe('It belongs to one connection, and ends with it.'),
      noWait: notAwaited,
      arguments: optionalText.describe('Further arguments as YAML: "x-queue-type: quorum".'),
    })
    .optional()
    .describe('How the queue is declared; default: exclusive, named by the broker.'),
  queueBind: z.strictObject({ noWait: notAwaited }).optional().describe('How the queue is bound.'),
  consume: z
    .strictObject({
      consumerTag: optionalText.describe('Name of the reader at the broker.'),
      autoAck: optionalFlag.describe('Accepted; Sluice acknowledges a message once the event bus has it.'),
      exclusive: optionalFlag.describe('The queue has no other reader.'),
      noLocal: optionalFlag.describe('Passed on; RabbitMQ ignores it.'),
      noWait: notAwaited,
    })
    .optional()
    .describe('How the queue is read.'),
  auth: basicAuth.optional().describe('Login at the broker; goes before that in the address.'),
});

export const kafkaEventSource = z.strictObject({
  ...brokerSource,
  url: requiredText.describe('Brokers as host:port, several with commas between them.'),
  topic: requiredText.describe('Topic to read.'),
  partition: optionalText.describe('Number of the only partition to read; used without consumerGroup.'),
  consumerGroup: z
    .strictObject({
      groupName: optionalText.describe('Name of the group; default: one of its own for this event.'),
      oldest: optionalFlag.describe('A new group begins with the oldest records; default: with those that come next.'),
      rebalanceStrategy: optionalText.describe('How members share partitions: range (default), roundrobin or sticky.'),
    })
    .optional()
    .describe('Group whose members share the partitions, and whose position is kept by Kafka.'),
  limitEventsPerSecond: z.int().optional().describe('Most events in a second; default: no limit.'),
  version: optionalText.describe('Version of Kafka. Without effect: it is asked of the brokers.'),
  sasl: saslConfig.optional().describe('Login at the brokers.'),
  config: optionalText.describe('Settings of the client of Argo Events, YAML. Without effect.'),
  schemaRegistry: schemaRegistry.optional().describe('Registry of Avro schemas; refused, as records are not decoded.'),
  awsMskIamAuth: z
    .strictObject({ region: optionalText.describe('AWS region of the cluster.') })
    .optional()
    .describe('Login by AWS IAM; refused.'),
});

export const mqttEventSource = z.strictObject({
  ...brokerSource,
  url: requiredText.describe('Address of the broker: tcp://host:1883 or ssl://host:8883.'),
  topic: requiredText.describe('Topic to subscribe to; may hold the wildcards + and #.'),
  clientId: requiredText.describe('Names the session that the broker keeps; no other client may use it.'),
  auth: basicAuth.optional().describe('Login at the broker.'),
});

export const natsEventSource = z.strictObject({
  ...brokerSource,
  url: requiredText.describe('Address of the NATS server.'),
  subject: requiredText.describe('Subject to subscribe to; may hold wildcards.'),
  queue: optionalText.describe('Queue group whose members share the messages.'),
  auth: natsAuth.optional().describe('Login at the server.'),
});

const jetStreamName = z.string().regex(/^[^\s.*>/\\]+$/, { error: 'a name without spaces, dots, * and >' });

/** Sluice's own: Argo Events reads core NATS only. */
export const natsJetStreamEventSource = z.strictObject({
  ...messageSource,
  url: requiredText.describe('Address of the NATS server.'),
  stream: jetStreamName.describe('Stream to read; it must exist.'),
  subjects: z.array(requiredText).min(1).optional().describe('Subjects to read, wildcards included; default all.'),
  consumer: jetStreamName
    .optional()
    .describe('Durable pull consumer; created if missing. Default sluice_NAMESPACE_SOURCE_EVENT.'),
  auth: natsAuth.optional().describe('Login at the server.'),
  tls: tlsConfig.optional().describe('TLS to the server.'),
});

export const nsqEventSource = z.strictObject({
  ...brokerSource,
  hostAddress: requiredText,
  topic: requiredText,
  channel: requiredText,
});

export const emitterEventSource = z.strictObject({
  ...brokerSource,
  broker: requiredText,
  channelKey: requiredText,
  channelName: requiredText,
  username: secretKeySelector.optional(),
  password: secretKeySelector.optional(),
});

/** Connection of both the Pulsar source and the Pulsar trigger. */
export const pulsarConnection = {
  url: requiredText,
  tlsTrustCertsSecret: secretKeySelector.optional(),
  tlsAllowInsecureConnection: optionalFlag,
  tlsValidateHostname: optionalFlag,
  tls: tlsConfig.optional(),
  authTokenSecret: secretKeySelector.optional(),
  authAthenzParams: stringMap.optional(),
  authAthenzSecret: secretKeySelector.optional(),
};

export const pulsarEventSource = z.strictObject({
  ...messageSource,
  ...withConnectionBackoff,
  ...pulsarConnection,
  topics: z.array(requiredText).min(1),
  type: z.enum(['exclusive', 'shared']).optional(),
});
