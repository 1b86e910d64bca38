/** Fields that several kinds of event source share. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText, retryStrategy, secretKeySelector, stringMap } from '../common';

/** `filter.expression` in the expr language over the event's data; only events for which it is true are published. */
const eventSourceFilter = z.strictObject({
  expression: optionalText.describe(
    'Expression in the expr language over the event data; other events are recorded as filtered.',
  ),
});

/** User data that is copied into each event. */
export const withMetadata = { metadata: stringMap.optional().describe('Texts that are copied into each event.') };
export const withFilter = { filter: eventSourceFilter.optional().describe('Which events are published.') };
export const withMetadataAndFilter = { ...withMetadata, ...withFilter };
export const withJsonBody = {
  jsonBody: optionalFlag.describe('The body is JSON, and is embedded as such; another one is rejected.'),
};
export const withConnectionBackoff = {
  connectionBackoff: retryStrategy.optional().describe('Accepted; Sluice connects until it succeeds.'),
};

/** HTTP endpoint of a source that is called from outside. */
export const webhookContext = z.strictObject({
  endpoint: requiredText.describe('Path that callers use, e.g. /scenes.'),
  method: optionalText.describe('HTTP method that is accepted; default GET and POST.'),
  port: requiredText.describe('Port to listen on, as text: "12000".'),
  url: optionalText.describe('Public address; used by Argo Events to register hooks.'),
  serverCertSecret: secretKeySelector
    .optional()
    .describe('Certificate of the server, PEM; with serverKeySecret the server speaks HTTPS.'),
  serverKeySecret: secretKeySelector.optional().describe('Key of that certificate, PEM.'),
  authSecret: secretKeySelector.optional().describe('Callers must send this value as bearer token.'),
  maxPayloadSize: z.int().min(0).optional().describe('Bytes; default 1048576.'),
  metadata: stringMap.optional().describe('Texts that are copied into each event.'),
});

export type WebhookContext = z.infer<typeof webhookContext>;

/** Path inside a watched directory. */
export const watchPathConfig = z.strictObject({
  directory: requiredText.describe('Directory to watch.'),
  path: optionalText.describe('File in the directory; either this or pathRegexp.'),
  pathRegexp: optionalText.describe('Regular expression that the path in the directory must match.'),
});
