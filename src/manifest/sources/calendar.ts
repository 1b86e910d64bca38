/** Source that publishes on a schedule. */
import { z } from 'zod';
import { optionalFlag, optionalText } from '../common';
import { withMetadataAndFilter } from './shared';

export const calendarEventSource = z.strictObject({
  ...withMetadataAndFilter,
  schedule: optionalText.describe('Cron with five fields; wins over interval.'),
  interval: optionalText.describe('Go duration.'),
  exclusionDates: z.array(z.string()).optional(),
  timezone: optionalText,
  persistence: z
    .strictObject({
      catchup: z.strictObject({ enabled: optionalFlag, maxDuration: optionalText }).optional(),
      configMap: z.strictObject({ name: optionalText, createIfNotExist: optionalFlag }).optional(),
    })
    .optional(),
});
