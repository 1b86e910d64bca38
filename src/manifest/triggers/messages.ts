/** Triggers that notify people: Slack, e-mail, log. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText, secretKeySelector } from '../common';
import { triggerParameters } from '../parameters';

export const slackTriggerTemplate = z.strictObject({
  slackToken: secretKeySelector.describe('Token of the app.'),
  channel: optionalText.describe('Channel to post to.'),
  message: optionalText.describe('Text of the message.'),
  attachments: optionalText.describe('JSON text: list of attachments.'),
  blocks: optionalText.describe('JSON text: list of blocks.'),
  thread: z
    .strictObject({
      messageAggregationKey: optionalText.describe('Messages with the same key form one thread.'),
      broadcastMessageToChannel: optionalFlag.describe('Show answers in the channel, too.'),
    })
    .optional()
    .describe('Whether messages form a thread.'),
  sender: z
    .strictObject({
      username: optionalText.describe('Name of the sender.'),
      icon: optionalText.describe('Icon of the sender: an emoji or an address.'),
    })
    .optional()
    .describe('How the sender appears.'),
  parameters: triggerParameters.optional().describe('Write values of events into this block.'),
});
export type SlackTriggerTemplate = z.infer<typeof slackTriggerTemplate>;

export const emailTriggerTemplate = z.strictObject({
  host: requiredText.describe('Mail server.'),
  port: z.int().min(0).max(65_535).optional().describe('Port of the mail server.'),
  username: optionalText.describe('User at the mail server.'),
  smtpPassword: secretKeySelector.optional().describe('Password of the user.'),
  from: optionalText.describe('Sender.'),
  to: z.array(z.string()).optional().describe('Recipients.'),
  subject: optionalText.describe('Subject of the mail.'),
  body: optionalText.describe('Text of the mail.'),
  parameters: triggerParameters.optional().describe('Write values of events into this block.'),
});
export type EmailTriggerTemplate = z.infer<typeof emailTriggerTemplate>;

export const logTriggerTemplate = z.strictObject({
  intervalSeconds: z.int().min(0).optional().describe('Write at most one line in this time.'),
});
export type LogTriggerTemplate = z.infer<typeof logTriggerTemplate>;
