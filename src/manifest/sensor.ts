/** Sensor: which events it waits for, and what it does with them. */
import { z } from 'zod';
import type { TriggerKind } from '../kinds/trigger-kinds';
import {
  manifestSchema,
  optionalFlag,
  optionalText,
  podTemplate,
  requiredText,
  retryStrategy,
  stringMap,
} from './common';
import { dependency } from './filters';
import { triggerParameters } from './parameters';
import { kafkaTriggerTemplate, natsTriggerTemplate, pulsarTriggerTemplate } from './triggers/brokers';
import {
  awsLambdaTriggerTemplate,
  azureEventHubsTriggerTemplate,
  azureServiceBusTriggerTemplate,
  openWhiskTriggerTemplate,
} from './triggers/cloud';
import { customTriggerTemplate, httpTriggerTemplate } from './triggers/http';
import { argoWorkflowTriggerTemplate, k8sTriggerTemplate } from './triggers/kubernetes';
import { emailTriggerTemplate, logTriggerTemplate, slackTriggerTemplate } from './triggers/messages';

/** Events held for a trigger are dropped at each tick. */
const conditionsReset = z.strictObject({
  byTime: z
    .strictObject({ cron: requiredText.describe('Five fields.'), timezone: optionalText.describe('IANA name.') })
    .optional()
    .describe('The times at which the events are dropped.'),
});

const blocksOfKinds = {
  k8s: k8sTriggerTemplate.optional().describe('Creates, updates, patches or deletes a Kubernetes object.'),
  argoWorkflow: argoWorkflowTriggerTemplate.optional().describe('Submits an Argo Workflow, or operates on one.'),
  http: httpTriggerTemplate.optional().describe('Sends an HTTP request.'),
  awsLambda: awsLambdaTriggerTemplate.optional().describe('Invokes an AWS Lambda function. Not run by Sluice.'),
  azureEventHubs: azureEventHubsTriggerTemplate.optional().describe('Sends to Azure Event Hubs. Not run by Sluice.'),
  azureServiceBus: azureServiceBusTriggerTemplate.optional().describe('Sends to Azure Service Bus. Not run by Sluice.'),
  kafka: kafkaTriggerTemplate.optional().describe('Writes a record to a Kafka topic.'),
  pulsar: pulsarTriggerTemplate.optional().describe('Publishes to Apache Pulsar. Not run by Sluice.'),
  nats: natsTriggerTemplate.optional().describe('Publishes a NATS message.'),
  slack: slackTriggerTemplate.optional().describe('Posts a Slack message.'),
  openWhisk: openWhiskTriggerTemplate.optional().describe('Invokes an OpenWhisk action. Not run by Sluice.'),
  custom: customTriggerTemplate.optional().describe('Calls a gRPC server of your own.'),
  log: logTriggerTemplate.optional().describe('Writes the event to the log.'),
  email: emailTriggerTemplate.optional().describe('Sends an e-mail.'),
} satisfies Record<TriggerKind, z.ZodType>;

export const triggerTemplate = z.strictObject({
  name: requiredText.describe('Name of the trigger, unique in the Sensor.'),
  conditions: optionalText.describe('Dependency names joined with &&, || and parentheses; default: all of them.'),
  conditionsReset: z.array(conditionsReset).optional().describe('When events that wait for others are dropped.'),
  ...blocksOfKinds,
});
export type TriggerTemplate = z.infer<typeof triggerTemplate>;

const triggerPolicy = z.strictObject({
  k8s: z
    .strictObject({
      labels: stringMap.describe('Success once the object has all of these.'),
      backoff: retryStrategy.optional().describe('How often and how long to look.'),
      errorOnBackoffTimeout: optionalFlag.describe('Fail if the labels did not appear in time.'),
    })
    .optional()
    .describe('For k8s and argoWorkflow: which labels the object must get.'),
  status: z
    .strictObject({ allow: z.array(z.int()).min(1).describe('HTTP status codes.') })
    .optional()
    .describe('For http: which responses count as success.'),
});
export type TriggerPolicy = z.infer<typeof triggerPolicy>;

const rateLimit = z.strictObject({
  unit: z.enum(['Second', 'Minute', 'Hour']).optional().describe('Period of the limit; default Second.'),
  requestsPerUnit: z.int().min(1).describe('Most requests in a period.'),
});

const trigger = z.strictObject({
  template: triggerTemplate.describe('What to do, and under which condition.'),
  parameters: triggerParameters.optional().describe('Applied to the template itself.'),
  policy: triggerPolicy.optional().describe('What must be true of the result before the trigger counts as done.'),
  retryStrategy: retryStrategy.optional().describe('How failed attempts are repeated; default: for ten minutes.'),
  rateLimit: rateLimit.optional().describe('Most requests in a period.'),
  atLeastOnce: optionalFlag.describe('Without effect: every event is kept until its triggers are recorded.'),
  get dlqTrigger() {
    return trigger.optional().describe('Fires instead when this trigger has failed for good.');
  },
});
export type TriggerSpec = z.infer<typeof trigger>;

const sensorSpec = z.strictObject({
  dependencies: z.array(dependency).min(1).describe('The events that the Sensor waits for.'),
  triggers: z.array(trigger).min(1).describe('What it does.'),
  template: podTemplate.optional().describe('Pod template of Argo Events; of it, serviceAccountName has an effect.'),
  eventBusName: optionalText.describe('EventBus of the same namespace; default "default".'),
  replicas: z.int().optional().describe('Without effect: sluice.io/listeners sets the number of parallel readers.'),
  revisionHistoryLimit: z.int().optional().describe('Without effect.'),
  errorOnFailedRound: optionalFlag.describe('Without effect, as in Argo Events.'),
  loggingFields: stringMap.optional().describe('Without effect, as in Argo Events.'),
});
export type SensorSpec = z.infer<typeof sensorSpec>;

export const sensorSchema = manifestSchema('Sensor', sensorSpec).describe('What to do when events happen.');
export type Sensor = z.infer<typeof sensorSchema>;
