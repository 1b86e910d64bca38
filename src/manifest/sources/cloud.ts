/** Sources that read a cloud provider's queues and topics. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText, secretKeySelector, tlsConfig } from '../common';
import { webhookContext, withFilter, withJsonBody, withMetadataAndFilter } from './shared';

export const snsEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional().describe('Endpoint to which the topic is subscribed.'),
  topicArn: requiredText.describe('ARN of the topic; messages of others are refused.'),
  accessKey: secretKeySelector.optional().describe('Access key id; used by Argo Events to subscribe.'),
  secretKey: secretKeySelector.optional().describe('Secret access key; used by Argo Events to subscribe.'),
  region: requiredText.describe('AWS region of the topic.'),
  roleARN: optionalText.describe('Role to assume; used by Argo Events to subscribe.'),
  validateSignature: optionalFlag.describe('Verify the signature of each message.'),
  endpoint: optionalText.describe('Address of another service than AWS.'),
});

export const sqsEventSource = z.strictObject({
  ...withJsonBody,
  ...withMetadataAndFilter,
  accessKey: secretKeySelector.optional().describe("Access key id; default: the worker's own credentials."),
  secretKey: secretKeySelector.optional().describe('Secret access key.'),
  sessionToken: secretKeySelector.optional().describe('Session token, for temporary keys.'),
  region: requiredText.describe('AWS region of the queue.'),
  queue: requiredText.describe('Name of the queue.'),
  waitTimeSeconds: z.int().optional().describe('How long a request waits for messages, at most 20; default 3.'),
  roleARN: optionalText.describe('Role to assume with these credentials.'),
  queueAccountId: optionalText.describe('Account of the queue, if it is another one.'),
  dlq: optionalFlag.describe('The queue has a dead-letter queue: a message that is no event is left to it.'),
  endpoint: optionalText.describe('Address of another service than AWS.'),
});

export const pubSubEventSource = z.strictObject({
  ...withJsonBody,
  ...withMetadataAndFilter,
  projectID: optionalText,
  topicProjectID: optionalText,
  topic: optionalText,
  subscriptionID: optionalText,
  credentialSecret: secretKeySelector.optional(),
  deleteSubscriptionOnFinish: optionalFlag,
});

export const azureEventsHubEventSource = z.strictObject({
  ...withMetadataAndFilter,
  fqdn: requiredText,
  hubName: requiredText,
  sharedAccessKeyName: secretKeySelector.optional(),
  sharedAccessKey: secretKeySelector.optional(),
});

export const azureServiceBusEventSource = z.strictObject({
  ...withJsonBody,
  ...withMetadataAndFilter,
  connectionString: secretKeySelector.optional(),
  fullyQualifiedNamespace: optionalText,
  queueName: optionalText,
  topicName: optionalText,
  subscriptionName: optionalText,
  tls: tlsConfig.optional(),
  deferDelete: optionalFlag,
});

export const azureQueueStorageEventSource = z.strictObject({
  ...withJsonBody,
  ...withMetadataAndFilter,
  storageAccountName: optionalText,
  connectionString: secretKeySelector.optional(),
  queueName: requiredText,
  dlq: optionalFlag,
  decodeMessage: optionalFlag,
  waitTimeInSeconds: z.int().optional(),
});

export const mnsEventSource = z.strictObject({
  ...withJsonBody,
  ...withFilter,
  accessKey: secretKeySelector.optional(),
  secretKey: secretKeySelector.optional(),
  queue: requiredText,
  endpoint: optionalText,
});
