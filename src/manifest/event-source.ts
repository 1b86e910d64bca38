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

const events = <Schema extends z.ZodType>(schema: Schema) => z.record(z.string(), schema).optional();

const eventsOfKinds = {
  amqp: events(amqpEventSource),
  azureEventsHub: events(azureEventsHubEventSource),
  azureQueueStorage: events(azureQueueStorageEventSource),
  azureServiceBus: events(azureServiceBusEventSource),
  bitbucket: events(bitbucketEventSource),
  bitbucketserver: events(bitbucketServerEventSource),
  calendar: events(calendarEventSource),
  emitter: events(emitterEventSource),
  file: events(fileEventSource),
  generic: events(genericEventSource),
  gerrit: events(gerritEventSource),
  github: events(githubEventSource),
  gitlab: events(gitlabEventSource),
  hdfs: events(hdfsEventSource),
  kafka: events(kafkaEventSource),
  minio: events(s3Artifact),
  mns: events(mnsEventSource),
  mqtt: events(mqttEventSource),
  nats: events(natsEventSource),
  nsq: events(nsqEventSource),
  pubSub: events(pubSubEventSource),
  pulsar: events(pulsarEventSource),
  redis: events(redisEventSource),
  redisStream: events(redisStreamEventSource),
  resource: events(resourceEventSource),
  sftp: events(sftpEventSource),
  slack: events(slackEventSource),
  sns: events(snsEventSource),
  sqs: events(sqsEventSource),
  storageGrid: events(storageGridEventSource),
  stripe: events(stripeEventSource),
  webhook: events(webhookEventSource),
} satisfies Record<EventSourceKind, z.ZodType>;

const eventSourceSpec = z.strictObject({
  eventBusName: optionalText.describe('EventBus of the same namespace; default "default".'),
  template: podTemplate.optional(),
  service: serviceTemplate.optional(),
  replicas: z.int().optional(),
  ...eventsOfKinds,
});
export type EventSourceSpec = z.infer<typeof eventSourceSpec>;
/** Options of one event of a kind. */
export type EventOptions<Kind extends EventSourceKind = EventSourceKind> = NonNullable<EventSourceSpec[Kind]>[string];

export const eventSourceSchema = manifestSchema('EventSource', eventSourceSpec).describe('Where events come from.');
export type EventSource = z.infer<typeof eventSourceSchema>;
