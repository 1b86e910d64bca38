/** Source that publishes on a schedule. */
import { z } from 'zod';
import { optionalFlag, optionalText } from '../common';
import { withMetadataAndFilter } from './shared';

export const calendarEventSource = z.strictObject({
  ...withMetadataAndFilter,
  schedule: optionalText.describe('Cron with five fields; wins over interval.'),
  interval: optionalText.describe('Go duration.'),
  exclusionDates: z.array(z.string()).optional().describe('EXDATE lines: days without events.'),
  timezone: optionalText.describe('IANA name for the schedule; default UTC.'),
  persistence: z
    .strictObject({
      catchup: z
        .strictObject({
          enabled: optionalFlag.describe('Make up for missed ticks.'),
          maxDuration: optionalText.describe('How far back, as a Go duration.'),
        })
        .optional()
        .describe('Whether missed ticks are made up for.'),
      configMap: z
        .strictObject({
          name: optionalText.describe('Name of the ConfigMap.'),
          createIfNotExist: optionalFlag.describe('Accepted; without effect.'),
        })
        .optional()
        .describe('Accepted; the position is kept on the bus.'),
    })
    .optional()
    .describe('What happens after an outage.'),
});
