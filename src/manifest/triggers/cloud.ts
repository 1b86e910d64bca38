/** Triggers of cloud services. Validated; Sluice does not run them yet. */
import { z } from 'zod';
import { optionalText, requiredText, secretKeySelector, tlsConfig } from '../common';
import { triggerParameters } from '../parameters';

const payload = triggerParameters.min(1);

export const awsLambdaTriggerTemplate = z.strictObject({
  functionName: requiredText,
  region: requiredText,
  accessKey: secretKeySelector.optional(),
  secretKey: secretKeySelector.optional(),
  roleARN: optionalText,
  invocationType: z.enum(['RequestResponse', 'Event', 'DryRun']).optional(),
  payload,
  parameters: triggerParameters.optional(),
});

export const azureEventHubsTriggerTemplate = z.strictObject({
  fqdn: requiredText,
  hubName: requiredText,
  sharedAccessKeyName: secretKeySelector.optional(),
  sharedAccessKey: secretKeySelector.optional(),
  payload: triggerParameters.optional(),
  parameters: triggerParameters.optional(),
});

export const azureServiceBusTriggerTemplate = z.strictObject({
  connectionString: secretKeySelector.optional(),
  queueName: optionalText,
  topicName: optionalText,
  subscriptionName: optionalText,
  tls: tlsConfig.optional(),
  payload: triggerParameters.optional(),
  parameters: triggerParameters.optional(),
});

export const openWhiskTriggerTemplate = z.strictObject({
  host: requiredText,
  version: optionalText,
  namespace: optionalText,
  authToken: secretKeySelector.optional(),
  actionName: requiredText,
  payload,
  parameters: triggerParameters.optional(),
});
