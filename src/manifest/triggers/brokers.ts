/** Triggers that publish to a message broker. */
import { z } from 'zod';
import {
  natsAuth,
  optionalFlag,
  optionalText,
  requiredText,
  retryStrategy,
  saslConfig,
  schemaRegistry,
  secureHeader,
  stringMap,
  tlsConfig,
} from '../common';

import { triggerParameters } from '../parameters';
import { pulsarConnection } from '../sources/brokers';

const payload = triggerParameters.min(1);

export const natsTriggerTemplate = z.strictObject({
  url: requiredText,
  subject: requiredText,
  payload,
  parameters: triggerParameters.optional(),
  tls: tlsConfig.optional(),
  auth: natsAuth.optional(),
});
export type NatsTriggerTemplate = z.infer<typeof natsTriggerTemplate>;

export const kafkaTriggerTemplate = z.strictObject({
  url: requiredText.describe('host:port, several separated by commas.'),
  topic: requiredText,
  payload,
  parameters: triggerParameters.optional(),
  partition: z.int().optional().describe('Deprecated, without effect.'),
  partitioningKey: optionalText,
  requiredAcks: z.int().optional(),
  compress: optionalFlag,
  flushFrequency: z.int().optional(),
  version: optionalText,
  tls: tlsConfig.optional(),
  sasl: saslConfig.optional(),
  schemaRegistry: schemaRegistry.optional(),
  headers: stringMap.optional(),
  secureHeaders: z.array(secureHeader).optional(),
});
export type KafkaTriggerTemplate = z.infer<typeof kafkaTriggerTemplate>;

export const pulsarTriggerTemplate = z.strictObject({
  ...pulsarConnection,
  topic: requiredText,
  payload,
  parameters: triggerParameters.optional(),
  connectionBackoff: retryStrategy.optional(),
});
