/** Sources that are called over HTTP by anything, by a web service, or by a gRPC server of one's own. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText, secretKeySelector, tlsConfig } from '../common';
import { webhookContext, withFilter, withJsonBody, withMetadata, withMetadataAndFilter } from './shared';

export const webhookEventSource = webhookContext.extend(withFilter);
export type WebhookEventSource = z.infer<typeof webhookEventSource>;

export const slackEventSource = z.strictObject({
  ...withMetadataAndFilter,
  signingSecret: secretKeySelector.optional(),
  token: secretKeySelector.optional(),
  webhook: webhookContext.optional(),
});
export type SlackEventSource = z.infer<typeof slackEventSource>;

export const stripeEventSource = z.strictObject({
  ...withMetadata,
  webhook: webhookContext.optional(),
  createWebhook: optionalFlag,
  apiKey: secretKeySelector.optional(),
  eventFilter: z.array(z.string()).optional(),
});
export type StripeEventSource = z.infer<typeof stripeEventSource>;

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
export type StorageGridEventSource = z.infer<typeof storageGridEventSource>;

export const genericEventSource = z.strictObject({
  ...withJsonBody,
  ...withMetadataAndFilter,
  url: requiredText,
  config: requiredText,
  insecure: optionalFlag,
  authSecret: secretKeySelector.optional(),
});
export type GenericEventSource = z.infer<typeof genericEventSource>;
