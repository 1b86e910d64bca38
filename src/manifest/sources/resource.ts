/** Source that watches Kubernetes objects. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText } from '../common';
import { withMetadata } from './shared';

const selector = z.strictObject({
  key: requiredText.describe('Label, or path of a field.'),
  operation: optionalText.describe('==, !=, or for labels also in, notin, exists; default ==.'),
  value: optionalText.describe('What it is compared with.'),
});

export const resourceEventSource = z.strictObject({
  ...withMetadata,
  namespace: optionalText.describe('Namespace of the objects; default: all.'),
  group: optionalText.describe('API group; empty: the core group.'),
  version: requiredText.describe('API version.'),
  resource: requiredText.describe('Plural, e.g. pods.'),
  eventTypes: z
    .array(z.enum(['ADD', 'UPDATE', 'DELETE']))
    .min(1)
    .describe('Which changes are events.'),
  filter: z
    .strictObject({
      prefix: optionalText.describe('The name begins with this.'),
      labels: z.array(selector).optional().describe('Labels that the object must have.'),
      fields: z.array(selector).optional().describe('Fields that the object must have.'),
      createdBy: optionalText.describe('The object was created before this time, RFC 3339.'),
      afterStart: optionalFlag.describe('Only objects that were created after the source started.'),
    })
    .optional()
    .describe('Which objects count.'),
});
