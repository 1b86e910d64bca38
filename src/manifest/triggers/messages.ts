/** Triggers that notify people: Slack, e-mail, log. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText, secretKeySelector } from '../common';
import { triggerParameters } from '../parameters';

export const slackTriggerTemplate = z.strictObject({
  slackToken: secretKeySelector,
  channel: optionalText,
  message: optionalText,
  attachments: optionalText.describe('JSON text: list of attachments.'),
  blocks: optionalText.describe('JSON text: list of blocks.'),
  thread: z.strictObject({ messageAggregationKey: optionalText, broadcastMessageToChannel: optionalFlag }).optional(),
  sender: z.strictObject({ username: optionalText, icon: optionalText }).optional(),
  parameters: triggerParameters.optional(),
});
export type SlackTriggerTemplate = z.infer<typeof slackTriggerTemplate>;

export const emailTriggerTemplate = z.strictObject({
  host: requiredText,
  port: z.int().min(0).max(65_535).optional(),
  username: optionalText,
  smtpPassword: secretKeySelector.optional(),
  from: optionalText,
  to: z.array(z.string()).optional(),
  subject: optionalText,
  body: optionalText,
  parameters: triggerParameters.optional(),
});
export type EmailTriggerTemplate = z.infer<typeof emailTriggerTemplate>;

export const logTriggerTemplate = z.strictObject({
  intervalSeconds: z.int().min(0).optional().describe('Write at most one line in this time.'),
});
export type LogTriggerTemplate = z.infer<typeof logTriggerTemplate>;
