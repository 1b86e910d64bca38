/** Sources that watch files and buckets. */
import { z } from 'zod';
import {
  configMapKeySelector,
  optionalFlag,
  optionalText,
  requiredText,
  secretKeySelector,
  stringMap,
} from '../common';
import { watchPathConfig, withMetadataAndFilter } from './shared';

/** One S3 object (resource source) or bucket (event source). */
export const s3Artifact = z.strictObject({
  endpoint: requiredText,
  bucket: z.strictObject({ name: requiredText, key: optionalText }),
  region: optionalText,
  insecure: optionalFlag,
  accessKey: secretKeySelector.optional(),
  secretKey: secretKeySelector.optional(),
  events: z.array(z.string()).optional(),
  filter: z.strictObject({ prefix: optionalText, suffix: optionalText }).optional(),
  metadata: stringMap.optional(),
  caCertificate: secretKeySelector.optional(),
});

export const fileEventSource = z.strictObject({
  ...withMetadataAndFilter,
  eventType: requiredText,
  watchPathConfig,
  polling: optionalFlag,
});

export const sftpEventSource = z.strictObject({
  ...withMetadataAndFilter,
  eventType: requiredText,
  watchPathConfig,
  username: secretKeySelector.optional(),
  password: secretKeySelector.optional(),
  sshKeySecret: secretKeySelector.optional(),
  address: secretKeySelector.optional(),
  pollIntervalDuration: optionalText,
});

/** Argo Events writes the watched path straight into the spec here, without `watchPathConfig`. */
export const hdfsEventSource = z.strictObject({
  ...withMetadataAndFilter,
  ...watchPathConfig.shape,
  type: optionalText,
  checkInterval: optionalText,
  addresses: z.array(z.string()).optional(),
  hdfsUser: optionalText,
  krbCCacheSecret: secretKeySelector.optional(),
  krbKeytabSecret: secretKeySelector.optional(),
  krbUsername: optionalText,
  krbRealm: optionalText,
  krbConfigConfigMap: configMapKeySelector.optional(),
  krbServicePrincipalName: optionalText,
});
