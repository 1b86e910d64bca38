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
  url: requiredText.describe('Address of the NATS server.'),
  subject: requiredText.describe('Subject to publish on.'),
  payload: payload.describe('Builds the JSON message from events.'),
  parameters: triggerParameters.optional().describe('Write values of events into this block.'),
  tls: tlsConfig.optional().describe('TLS to the server.'),
  auth: natsAuth.optional().describe('Login at the server.'),
});
export type NatsTriggerTemplate = z.infer<typeof natsTriggerTemplate>;

export const kafkaTriggerTemplate = z.strictObject({
  url: requiredText.describe('host:port, several separated by commas.'),
  topic: requiredText.describe('Topic of the record.'),
  payload: payload.describe('Builds the JSON value of the record from events.'),
  parameters: triggerParameters.optional().describe('Write values of events into this block.'),
  partition: z.int().optional().describe('Deprecated, without effect.'),
  partitioningKey: optionalText.describe('Key of the record; records of one key go to one partition.'),
  requiredAcks: z.int().optional().describe('Which brokers must confirm: 0 none, 1 the leader, -1 all.'),
  compress: optionalFlag.describe('Compress records with Snappy.'),
  flushFrequency: z.int().optional().describe('Accepted; every record is sent at once.'),
  version: optionalText.describe('Version of the brokers; accepted, not needed.'),
  tls: tlsConfig.optional().describe('TLS to the brokers.'),
  sasl: saslConfig.optional().describe('Login at the brokers.'),
  schemaRegistry: schemaRegistry.optional().describe('Avro encoding. Not supported by Sluice.'),
  headers: stringMap.optional().describe('Headers of the record, by name.'),
  secureHeaders: z.array(secureHeader).optional().describe('Headers whose values are secret.'),
});
export type KafkaTriggerTemplate = z.infer<typeof kafkaTriggerTemplate>;

export const pulsarTriggerTemplate = z.strictObject({
  ...pulsarConnection,
  topic: requiredText,
  payload,
  parameters: triggerParameters.optional(),
  connectionBackoff: retryStrategy.optional(),
});
