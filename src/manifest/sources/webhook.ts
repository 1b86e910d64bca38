/** Sources that receive HTTP requests from any client or a web service, or events from the user's own gRPC server. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText, secretKeySelector, tlsConfig } from '../common';
import { webhookContext, withFilter, withJsonBody, withMetadata, withMetadataAndFilter } from './shared';

export const webhookEventSource = webhookContext.extend(withFilter);
export type WebhookEventSource = z.infer<typeof webhookEventSource>;

export const slackEventSource = z.strictObject({
  ...withMetadataAndFilter,
  signingSecret: secretKeySelector.optional().describe('Secret with which Slack signs each request.'),
  token: secretKeySelector.optional().describe('Verification token of Slack; out of date, signingSecret is safer.'),
  webhook: webhookContext.optional().describe('Endpoint that Slack calls.'),
});

export const stripeEventSource = z.strictObject({
  ...withMetadata,
  webhook: webhookContext.optional().describe('Endpoint that Stripe calls.'),
  createWebhook: optionalFlag.describe('Not used: Sluice registers no hooks.'),
  apiKey: secretKeySelector.optional().describe('Not used: Sluice registers no hooks.'),
  eventFilter: z.array(z.string()).optional().describe('Types of events that are published; default: all.'),
});

export const storageGridEventSource = z.strictObject({
  ...withMetadata,
  webhook: webhookContext.optional(),
  events: z.array(z.string()).optional(),
  filter: z.strictObject({ prefix: optionalText, suffix: optionalText }).optional(),
  topicArn: optionalText,
  bucket: optionalText,
  region: optionalText,
  authToken: secretKeySelector.optional(),
  apiURL: optionalText,
  tls: tlsConfig.optional(),
});

export const genericEventSource = z.strictObject({
  ...withJsonBody,
  ...withMetadataAndFilter,
  url: requiredText,
  config: requiredText,
  insecure: optionalFlag,
  authSecret: secretKeySelector.optional(),
});
