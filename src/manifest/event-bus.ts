/** EventBus: the bus that carries the events of a namespace. */
import { z } from 'zod';
import {
  containerTemplate,
  manifestSchema,
  optionalFlag,
  optionalText,
  podPlacement,
  requiredText,
  saslConfig,
  secretKeySelector,
  tlsConfig,
} from './common';

const persistence = z.strictObject({
  storageClassName: optionalText.describe('Storage class of the volume.'),
  accessMode: optionalText.describe('Access mode of the volume.'),
  volumeSize: z.union([z.string(), z.number()]).optional().describe('Size of the volume.'),
});

const natsNative = z.strictObject({
  ...podPlacement,
  replicas: z.int().optional(),
  auth: optionalText,
  persistence: persistence.optional(),
  containerTemplate: containerTemplate.optional(),
  metricsContainerTemplate: containerTemplate.optional(),
  maxAge: optionalText,
  maxMsgs: z.int().min(0).optional(),
  maxBytes: optionalText,
  maxSubs: z.int().min(0).optional(),
  maxPayload: optionalText,
  raftHeartbeatTimeout: optionalText,
  raftElectionTimeout: optionalText,
  raftLeaseTimeout: optionalText,
  raftCommitTimeout: optionalText,
});

const natsExotic = z.strictObject({
  url: requiredText,
  clusterID: requiredText,
  auth: optionalText,
  accessSecret: secretKeySelector.optional(),
});

const natsBus = z.strictObject({ native: natsNative.optional(), exotic: natsExotic.optional() });

const jetStreamBus = z.strictObject({
  ...podPlacement,
  version: requiredText.describe('Version of NATS, one of those that Argo’s controller knows.'),
  replicas: z.int().optional().describe('Number of servers; default 3.'),
  containerTemplate: containerTemplate.optional().describe('Container of the NATS server.'),
  reloaderContainerTemplate: containerTemplate.optional().describe('Container of the configuration reloader.'),
  metricsContainerTemplate: containerTemplate.optional().describe('Container of the metrics exporter.'),
  persistence: persistence.optional().describe('Volume of the servers; without it, events are lost with the pods.'),
  settings: optionalText.describe('Lines for the jetstream block of the server configuration.'),
  startArgs: z.array(z.string()).optional().describe('More arguments of the server.'),
  streamConfig: optionalText.describe(
    'YAML text: maxMsgs, maxAge, maxBytes, replicas, duplicates, retention (0, 1, 2), discard (0, 1).',
  ),
  maxPayload: optionalText.describe('Largest message; default 1MB.'),
});

const jetStreamExoticBus = z.strictObject({
  url: requiredText.describe('NATS URL, several separated by commas.'),
  accessSecret: secretKeySelector
    .optional()
    .describe('Secret key whose value is YAML: username and password, or token, nkey, credentials.'),
  streamConfig: optionalText.describe('YAML text, as under jetstream.'),
  tls: tlsConfig.optional().describe('TLS to the server.'),
});

const kafkaBus = z.strictObject({
  url: requiredText,
  topic: optionalText,
  version: optionalText,
  tls: tlsConfig.optional(),
  sasl: saslConfig.optional(),
  consumerGroup: z
    .strictObject({ groupName: optionalText, oldest: optionalFlag, rebalanceStrategy: optionalText })
    .optional(),
  partitioner: z.enum(['random', 'hash', 'roundrobin', 'manual']).optional(),
});

export const EVENT_BUS_KINDS = ['nats', 'jetstream', 'jetstreamExotic', 'kafka'] as const;
export type EventBusKind = (typeof EVENT_BUS_KINDS)[number];

const eventBusSpec = z.strictObject({
  nats: natsBus
    .optional()
    .describe('NATS Streaming, which Argo Events has removed: sluice migrate eventbus rewrites it.'),
  jetstream: jetStreamBus.optional().describe('NATS JetStream that the controller of Argo Events runs.'),
  jetstreamExotic: jetStreamExoticBus.optional().describe('A NATS server of your own, with JetStream.'),
  kafka: kafkaBus.optional().describe('Kafka. Not supported by Sluice.'),
} satisfies Record<EventBusKind, z.ZodType>);
export type EventBusSpec = z.infer<typeof eventBusSpec>;

export const eventBusSchema = manifestSchema('EventBus', eventBusSpec).describe('Event bus of a namespace.');
export type EventBus = z.infer<typeof eventBusSchema>;

/** Fields of `streamConfig`, once its YAML is parsed. */
export const streamConfigSchema = z.strictObject({
  maxMsgs: z.int().optional(),
  maxAge: optionalText,
  maxBytes: z.union([z.int(), z.string()]).optional(),
  replicas: z.int().optional(),
  duplicates: optionalText,
  retention: z.int().min(0).max(2).optional(),
  discard: z.int().min(0).max(1).optional(),
});
