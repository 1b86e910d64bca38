/** EventSource: where events come from. One map of event name → options for each kind. */
import { z } from 'zod';
import { manifestSchema, optionalText, podTemplate, serviceTemplate } from './common';
import {
  amqpEventSource,
  emitterEventSource,
  kafkaEventSource,
  mqttEventSource,
  natsEventSource,
  nsqEventSource,
  pulsarEventSource,
} from './sources/brokers';
import { calendarEventSource } from './sources/calendar';
import {
  azureEventsHubEventSource,
  azureQueueStorageEventSource,
  azureServiceBusEventSource,
  mnsEventSource,
  pubSubEventSource,
  snsEventSource,
  sqsEventSource,
} from './sources/cloud';
import {
  bitbucketEventSource,
  bitbucketServerEventSource,
  gerritEventSource,
  githubEventSource,
  gitlabEventSource,
} from './sources/code-hosts';
import { redisEventSource, redisStreamEventSource } from './sources/redis';
import { resourceEventSource } from './sources/resource';
import { fileEventSource, hdfsEventSource, s3Artifact, sftpEventSource } from './sources/storage';
import {
  genericEventSource,
  slackEventSource,
  storageGridEventSource,
  stripeEventSource,
  webhookEventSource,
} from './sources/webhook';

/** Every kind of Argo Events, by its key in the spec. */
const sourceSchemas = {
  amqp: amqpEventSource,
  azureEventsHub: azureEventsHubEventSource,
  azureQueueStorage: azureQueueStorageEventSource,
  azureServiceBus: azureServiceBusEventSource,
  bitbucket: bitbucketEventSource,
  bitbucketserver: bitbucketServerEventSource,
  calendar: calendarEventSource,
  emitter: emitterEventSource,
  file: fileEventSource,
  generic: genericEventSource,
  gerrit: gerritEventSource,
  github: githubEventSource,
  gitlab: gitlabEventSource,
  hdfs: hdfsEventSource,
  kafka: kafkaEventSource,
  minio: s3Artifact,
  mns: mnsEventSource,
  mqtt: mqttEventSource,
  nats: natsEventSource,
  nsq: nsqEventSource,
  pubSub: pubSubEventSource,
  pulsar: pulsarEventSource,
  redis: redisEventSource,
  redisStream: redisStreamEventSource,
  resource: resourceEventSource,
  sftp: sftpEventSource,
  slack: slackEventSource,
  sns: snsEventSource,
  sqs: sqsEventSource,
  storageGrid: storageGridEventSource,
  stripe: stripeEventSource,
  webhook: webhookEventSource,
} as const;

export type EventSourceKind = keyof typeof sourceSchemas;
/** Options of one event of any kind. */
export type EventOptions = z.infer<(typeof sourceSchemas)[EventSourceKind]>;
export const EVENT_SOURCE_KINDS = Object.keys(sourceSchemas) as EventSourceKind[];

const events = <Schema extends z.ZodType>(schema: Schema) => z.record(z.string(), schema).optional();

const eventSourceSpec = z.strictObject({
  eventBusName: optionalText.describe('EventBus of the same namespace; default "default".'),
  template: podTemplate.optional(),
  service: serviceTemplate.optional(),
  replicas: z.int().optional(),
  amqp: events(sourceSchemas.amqp),
  azureEventsHub: events(sourceSchemas.azureEventsHub),
  azureQueueStorage: events(sourceSchemas.azureQueueStorage),
  azureServiceBus: events(sourceSchemas.azureServiceBus),
  bitbucket: events(sourceSchemas.bitbucket),
  bitbucketserver: events(sourceSchemas.bitbucketserver),
  calendar: events(sourceSchemas.calendar),
  emitter: events(sourceSchemas.emitter),
  file: events(sourceSchemas.file),
  generic: events(sourceSchemas.generic),
  gerrit: events(sourceSchemas.gerrit),
  github: events(sourceSchemas.github),
  gitlab: events(sourceSchemas.gitlab),
  hdfs: events(sourceSchemas.hdfs),
  kafka: events(sourceSchemas.kafka),
  minio: events(sourceSchemas.minio),
  mns: events(sourceSchemas.mns),
  mqtt: events(sourceSchemas.mqtt),
  nats: events(sourceSchemas.nats),
  nsq: events(sourceSchemas.nsq),
  pubSub: events(sourceSchemas.pubSub),
  pulsar: events(sourceSchemas.pulsar),
  redis: events(sourceSchemas.redis),
  redisStream: events(sourceSchemas.redisStream),
  resource: events(sourceSchemas.resource),
  sftp: events(sourceSchemas.sftp),
  slack: events(sourceSchemas.slack),
  sns: events(sourceSchemas.sns),
  sqs: events(sourceSchemas.sqs),
  storageGrid: events(sourceSchemas.storageGrid),
  stripe: events(sourceSchemas.stripe),
  webhook: events(sourceSchemas.webhook),
});
export type EventSourceSpec = z.infer<typeof eventSourceSpec>;

export const eventSourceSchema = manifestSchema('EventSource', eventSourceSpec).describe('Where events come from.');
export type EventSource = z.infer<typeof eventSourceSchema>;
