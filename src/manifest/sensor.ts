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
    .optional(),
});

const blocksOfKinds = {
  k8s: k8sTriggerTemplate.optional(),
  argoWorkflow: argoWorkflowTriggerTemplate.optional(),
  http: httpTriggerTemplate.optional(),
  awsLambda: awsLambdaTriggerTemplate.optional(),
  azureEventHubs: azureEventHubsTriggerTemplate.optional(),
  azureServiceBus: azureServiceBusTriggerTemplate.optional(),
  kafka: kafkaTriggerTemplate.optional(),
  pulsar: pulsarTriggerTemplate.optional(),
  nats: natsTriggerTemplate.optional(),
  slack: slackTriggerTemplate.optional(),
  openWhisk: openWhiskTriggerTemplate.optional(),
  custom: customTriggerTemplate.optional(),
  log: logTriggerTemplate.optional(),
  email: emailTriggerTemplate.optional(),
} satisfies Record<TriggerKind, z.ZodType>;

export const triggerTemplate = z.strictObject({
  name: requiredText,
  conditions: optionalText.describe('Dependency names joined with &&, || and parentheses; default: all of them.'),
  conditionsReset: z.array(conditionsReset).optional(),
  ...blocksOfKinds,
});
export type TriggerTemplate = z.infer<typeof triggerTemplate>;

const triggerPolicy = z.strictObject({
  k8s: z
    .strictObject({
      labels: stringMap.describe('Success once the object has all of these.'),
      backoff: retryStrategy.optional(),
      errorOnBackoffTimeout: optionalFlag,
    })
    .optional(),
  status: z.strictObject({ allow: z.array(z.int()).min(1) }).optional(),
});
export type TriggerPolicy = z.infer<typeof triggerPolicy>;

const rateLimit = z.strictObject({
  unit: z.enum(['Second', 'Minute', 'Hour']).optional(),
  requestsPerUnit: z.int().min(1),
});

const trigger = z.strictObject({
  template: triggerTemplate,
  parameters: triggerParameters.optional().describe('Applied to the template itself.'),
  policy: triggerPolicy.optional(),
  retryStrategy: retryStrategy.optional(),
  rateLimit: rateLimit.optional(),
  atLeastOnce: optionalFlag,
  get dlqTrigger() {
    return trigger.optional();
  },
});
export type TriggerSpec = z.infer<typeof trigger>;

const sensorSpec = z.strictObject({
  dependencies: z.array(dependency).min(1),
  triggers: z.array(trigger).min(1),
  template: podTemplate.optional(),
  eventBusName: optionalText.describe('EventBus of the same namespace; default "default".'),
  replicas: z.int().optional(),
  revisionHistoryLimit: z.int().optional(),
  errorOnFailedRound: optionalFlag.describe('Without effect, as in Argo Events.'),
  loggingFields: stringMap.optional(),
});
export type SensorSpec = z.infer<typeof sensorSpec>;

export const sensorSchema = manifestSchema('Sensor', sensorSpec).describe('What to do when events happen.');
export type Sensor = z.infer<typeof sensorSchema>;
