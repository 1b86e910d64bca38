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
  endpoint: requiredText.describe('Host and port of the S3 service.'),
  bucket: z
    .strictObject({
      name: requiredText.describe('Name of the bucket.'),
      key: optionalText.describe('Key of the object.'),
    })
    .describe('Bucket and object.'),
  region: optionalText.describe('Region of the bucket.'),
  insecure: optionalFlag.describe('Use HTTP instead of HTTPS.'),
  accessKey: secretKeySelector.optional().describe('Access key id.'),
  secretKey: secretKeySelector.optional().describe('Secret access key.'),
  events: z.array(z.string()).optional().describe('Kinds of notifications.'),
  filter: z
    .strictObject({
      prefix: optionalText.describe('The key begins with this.'),
      suffix: optionalText.describe('The key ends with this.'),
    })
    .optional()
    .describe('Which objects count.'),
  metadata: stringMap.optional().describe('Texts that are copied into each event.'),
  caCertificate: secretKeySelector.optional().describe('Certificate authority of the service, PEM.'),
});

export const fileEventSource = z.strictObject({
  ...withMetadataAndFilter,
  eventType: requiredText.describe('CREATE, WRITE, REMOVE, RENAME or CHMOD.'),
  watchPathConfig: watchPathConfig.describe('What to watch.'),
  polling: optionalFlag.describe('Compare listings instead of using notifications of the system.'),
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
