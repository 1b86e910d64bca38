/** EventSource: where events come from. One map of event name → options for each kind. */
import { z } from 'zod';
import type { EventSourceKind } from '../kinds/source-kinds';
import { manifestSchema, optionalText, podTemplate, serviceTemplate } from './common';
import {
  amqpEventSource,
  emitterEventSource,
  kafkaEventSource,
  mqttEventSource,
  natsEventSource,
  natsJetStreamEventSource,
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
import { customEventSource } from './sources/custom';
import { redisEventSource, redisStreamEventSource } from './sources/redis';
import { resourceEventSource } from './sources/resource';
import { stacEventSource } from './sources/stac';
import { fileEventSource, hdfsEventSource, s3Artifact, sftpEventSource } from './sources/storage';
import {
  genericEventSource,
  slackEventSource,
  storageGridEventSource,
  stripeEventSource,
  webhookEventSource,
} from './sources/webhook';

const events = <Schema extends z.ZodType>(schema: Schema) => z.record(z.string(), schema).optional();

const eventsOfKinds = {
  amqp: events(amqpEventSource).describe('Messages of RabbitMQ queues, by event name.'),
  azureEventsHub: events(azureEventsHubEventSource).describe('Azure Event Hubs. Not read by Sluice.'),
  azureQueueStorage: events(azureQueueStorageEventSource).describe('Azure Queue Storage. Not read by Sluice.'),
  azureServiceBus: events(azureServiceBusEventSource).describe('Azure Service Bus. Not read by Sluice.'),
  bitbucket: events(bitbucketEventSource).describe('Webhooks of Bitbucket Cloud, by event name.'),
  bitbucketserver: events(bitbucketServerEventSource).describe('Webhooks of Bitbucket Server, by event name.'),
  calendar: events(calendarEventSource).describe('Schedules and intervals, by event name.'),
  custom: events(customEventSource).describe('Sources of your own, in a worker of your own, by event name.'),
  emitter: events(emitterEventSource).describe('Emitter channels. Not read by Sluice.'),
  file: events(fileEventSource).describe('Changes of files on the worker, by event name.'),
  generic: events(genericEventSource).describe('A gRPC server of your own. Not read by Sluice.'),
  gerrit: events(gerritEventSource).describe('Webhooks of Gerrit. Not read by Sluice.'),
  github: events(githubEventSource).describe('Webhooks of GitHub, by event name.'),
  gitlab: events(gitlabEventSource).describe('Webhooks of GitLab, by event name.'),
  hdfs: events(hdfsEventSource).describe('Files of HDFS. Not read by Sluice.'),
  kafka: events(kafkaEventSource).describe('Kafka topics, by event name.'),
  minio: events(s3Artifact).describe('Notifications of S3 buckets. Not read by Sluice.'),
  mns: events(mnsEventSource).describe('Alibaba MNS. Not read by Sluice.'),
  mqtt: events(mqttEventSource).describe('MQTT topics, by event name.'),
  nats: events(natsEventSource).describe('NATS subjects, by event name.'),
  natsJetStream: events(natsJetStreamEventSource).describe(
    'Streams of NATS JetStream, by event name; not a kind of Argo Events.',
  ),
  nsq: events(nsqEventSource).describe('NSQ topics. Not read by Sluice.'),
  pubSub: events(pubSubEventSource).describe('Google Pub/Sub. Not read by Sluice.'),
  pulsar: events(pulsarEventSource).describe('Apache Pulsar topics. Not read by Sluice.'),
  redis: events(redisEventSource).describe('Redis Pub/Sub channels, by event name.'),
  redisStream: events(redisStreamEventSource).describe('Redis streams, by event name.'),
  resource: events(resourceEventSource).describe('Changes of Kubernetes objects, by event name.'),
  sftp: events(sftpEventSource).describe('Files on an SFTP server. Not read by Sluice.'),
  slack: events(slackEventSource).describe('Events, commands and interactions of Slack, by event name.'),
  sns: events(snsEventSource).describe('Topics of AWS SNS, by event name.'),
  sqs: events(sqsEventSource).describe('Queues of AWS SQS, by event name.'),
  stac: events(stacEventSource).describe('Items of STAC APIs, by event name; not a kind of Argo Events.'),
  storageGrid: events(storageGridEventSource).describe('StorageGRID buckets. Not read by Sluice.'),
  stripe: events(stripeEventSource).describe('Webhooks of Stripe, by event name.'),
  webhook: events(webhookEventSource).describe('HTTP requests, by event name.'),
} satisfies Record<EventSourceKind, z.ZodType>;

const eventSourceSpec = z.strictObject({
  eventBusName: optionalText.describe('EventBus of the same namespace; default "default".'),
  template: podTemplate
    .optional()
    .describe('Pod template of Argo Events; of it, serviceAccountName has an effect on resource events.'),
  service: serviceTemplate.optional().describe('Service that leads to the webhooks, kept by the controller.'),
  replicas: z.int().optional().describe('Without effect: one worker reads an event, and another takes over.'),
  ...eventsOfKinds,
});
export type EventSourceSpec = z.infer<typeof eventSourceSpec>;
/** Options of one event of a kind. */
export type EventOptions<Kind extends EventSourceKind = EventSourceKind> = NonNullable<EventSourceSpec[Kind]>[string];

export const eventSourceSchema = manifestSchema('EventSource', eventSourceSpec).describe('Where events come from.');
export type EventSource = z.infer<typeof eventSourceSchema>;
