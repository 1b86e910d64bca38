/** Source that watches Kubernetes objects. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText } from '../common';
import { withMetadata } from './shared';

const selector = z.strictObject({ key: requiredText, operation: optionalText, value: optionalText });

export const resourceEventSource = z.strictObject({
  ...withMetadata,
  namespace: optionalText,
  group: optionalText,
  version: requiredText,
  resource: requiredText.describe('Plural, e.g. pods.'),
  eventTypes: z.array(z.enum(['ADD', 'UPDATE', 'DELETE'])).min(1),
  filter: z
    .strictObject({
      prefix: optionalText,
      labels: z.array(selector).optional(),
      fields: z.array(selector).optional(),
      createdBy: optionalText,
      afterStart: optionalFlag,
    })
    .optional(),
});
