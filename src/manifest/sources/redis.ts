/** Redis event sources: Pub/Sub channels and streams. */
import { z } from 'zod';
import { optionalText, requiredText, secretKeySelector, tlsConfig } from '../common';
import { withJsonBody, withMetadataAndFilter } from './shared';

const redisConnection = {
  hostAddress: requiredText.describe('host:port; several nodes of a Cluster, or Sentinels, with commas between them.'),
  sentinel: z
    .strictObject({
      master: requiredText.describe('Name under which the Sentinels watch the master.'),
      username: optionalText.describe('ACL user at the Sentinels; text, not a Secret.'),
      password: secretKeySelector.optional().describe('Password at the Sentinels.'),
    })
    .optional()
    .describe('hostAddress names Sentinels, which know the master; not a field of Argo Events.'),
  username: optionalText.describe('ACL user; text, not a Secret.'),
  password: secretKeySelector.optional().describe('Password of the user.'),
  db: z.int().min(0).optional().describe('Number of the database; default 0.'),
  tls: tlsConfig.optional().describe('TLS to the server.'),
};

export const redisEventSource = z.strictObject({
  ...redisConnection,
  ...withJsonBody,
  ...withMetadataAndFilter,
  channels: z.array(requiredText).optional().describe('Channels to subscribe to.'),
  patterns: z
    .array(requiredText)
    .optional()
    .describe('Patterns of channels, such as scenes.*; not a field of Argo Events.'),
  namespace: optionalText.describe('Accepted for Argo Events, which demands it with a password; not used.'),
});
export type RedisEventSource = z.infer<typeof redisEventSource>;

export const redisStreamEventSource = z.strictObject({
  ...redisConnection,
  ...withMetadataAndFilter,
  streams: z.array(requiredText).min(1).describe('Streams to read.'),
  maxMsgCountPerRead: z.int().optional().describe('Entries per stream and read; default 100.'),
  consumerGroup: optionalText.describe('Default argo-events-cg.'),
});
export type RedisStreamEventSource = z.infer<typeof redisStreamEventSource>;
