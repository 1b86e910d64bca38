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

export const amqpEventSource = z.strictObject({
  ...brokerSource,
  url: optionalText,
  urlSecret: secretKeySelector.optional(),
  exchangeName: optionalText,
  exchangeType: optionalText,
  routingKey: optionalText,
  exchangeDeclare: z
    .strictObject({
      durable: optionalFlag,
      autoDelete: optionalFlag,
      internal: optionalFlag,
      noWait: optionalFlag,
    })
    .optional(),
  queueDeclare: z
    .strictObject({
      name: optionalText,
      durable: optionalFlag,
      autoDelete: optionalFlag,
      exclusive: optionalFlag,
      noWait: optionalFlag,
      arguments: optionalText,
    })
    .optional(),
  queueBind: z.strictObject({ noWait: optionalFlag }).optional(),
  consume: z
    .strictObject({
      consumerTag: optionalText,
      autoAck: optionalFlag,
      exclusive: optionalFlag,
      noLocal: optionalFlag,
      noWait: optionalFlag,
    })
    .optional(),
  auth: basicAuth.optional(),
});

export const kafkaEventSource = z.strictObject({
  ...brokerSource,
  url: requiredText,
  topic: requiredText,
  partition: optionalText,
  consumerGroup: z
    .strictObject({ groupName: optionalText, oldest: optionalFlag, rebalanceStrategy: optionalText })
    .optional(),
  limitEventsPerSecond: z.int().optional(),
  version: optionalText,
  sasl: saslConfig.optional(),
  config: optionalText,
  schemaRegistry: schemaRegistry.optional(),
  awsMskIamAuth: z.strictObject({ region: optionalText }).optional(),
});

export const mqttEventSource = z.strictObject({
  ...brokerSource,
  url: requiredText,
  topic: requiredText,
  clientId: requiredText,
  auth: basicAuth.optional(),
});

export const natsEventSource = z.strictObject({
  ...brokerSource,
  url: requiredText.describe('Address of the NATS server.'),
  subject: requiredText.describe('Subject to subscribe to; may hold wildcards.'),
  queue: optionalText.describe('Queue group whose members share the messages.'),
  auth: natsAuth.optional().describe('Login at the server.'),
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
