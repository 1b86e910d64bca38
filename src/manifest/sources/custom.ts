/** Sources that are not part of Sluice: a worker of one's own brings them. */
import { z } from 'zod';
import { withMetadataAndFilter } from './shared';

/** As the name of a source, and so the CloudEvent type of its events. */
export const CUSTOM_SOURCE_NAME = /^[a-zA-Z]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;

export const customEventSource = z.strictObject({
  ...withMetadataAndFilter,
  source: z
    .string()
    .regex(CUSTOM_SOURCE_NAME, { error: 'a name such as "tide-gauge"' })
    .describe('Name of the source, as given to the EventSourcePlugin of the worker. It is the type of the events.'),
  options: z
    .record(z.string(), z.json())
    .optional()
    .describe('Options of the source. The worker checks them, not validate.'),
});
