/** Fields that several kinds of event source share. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText, retryStrategy, secretKeySelector, stringMap } from '../common';

/** `filter.expression` in the expr language over the event's data; only events for which it is true are published. */
const eventSourceFilter = z.strictObject({ expression: optionalText });

/** User data that is copied into each event. */
export const withMetadata = { metadata: stringMap.optional() };
export const withFilter = { filter: eventSourceFilter.optional() };
export const withMetadataAndFilter = { ...withMetadata, ...withFilter };
export const withJsonBody = { jsonBody: optionalFlag };
export const withConnectionBackoff = { connectionBackoff: retryStrategy.optional() };

/** HTTP endpoint of a source that is called from outside. */
export const webhookContext = z.strictObject({
  endpoint: requiredText.describe('Path that callers use, e.g. /scenes.'),
  method: optionalText,
  port: requiredText.describe('Port to listen on, as text: "12000".'),
  url: optionalText,
  serverCertSecret: secretKeySelector.optional(),
  serverKeySecret: secretKeySelector.optional(),
  authSecret: secretKeySelector.optional().describe('Callers must send this value as bearer token.'),
  maxPayloadSize: z.int().min(0).optional().describe('Bytes; default 1048576.'),
  metadata: stringMap.optional(),
});

export type WebhookContext = z.infer<typeof webhookContext>;

/** Path inside a watched directory. */
export const watchPathConfig = z.strictObject({
  directory: requiredText,
  path: optionalText,
  pathRegexp: optionalText,
});
