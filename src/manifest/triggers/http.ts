/** Triggers that call a server: HTTP, or gRPC with the custom trigger's proto. */
import { z } from 'zod';
import {
  basicAuth,
  optionalFlag,
  optionalText,
  requiredText,
  secretKeySelector,
  secureHeader,
  stringMap,
  tlsConfig,
} from '../common';
import { triggerParameters } from '../parameters';

const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export const httpTriggerTemplate = z.strictObject({
  url: requiredText.describe('Address of the request.'),
  method: z.enum(HTTP_METHODS).optional().describe('Default POST.'),
  payload: triggerParameters.optional().describe('Builds the JSON body from events.'),
  parameters: triggerParameters.optional().describe('Write values of events into this block.'),
  timeout: z.int().min(0).optional().describe('Seconds; default 60.'),
  tls: tlsConfig.optional().describe('TLS to the server.'),
  basicAuth: basicAuth.optional().describe('User and password.'),
  headers: stringMap.optional().describe('Headers, by name.'),
  secureHeaders: z.array(secureHeader).optional().describe('Headers whose values are secret.'),
  dynamicHeaders: triggerParameters.optional().describe('Header named by dest, value from src.'),
  host: optionalText.describe('Host header, for virtual hosting.'),
});
export type HttpTriggerTemplate = z.infer<typeof httpTriggerTemplate>;

export const customTriggerTemplate = z.strictObject({
  serverURL: requiredText.describe('host:port of the gRPC server.'),
  secure: optionalFlag.describe('Use TLS.'),
  certSecret: secretKeySelector.optional().describe('Certificate authority of the server, PEM.'),
  serverNameOverride: optionalText.describe('Name that the certificate must have.'),
  spec: stringMap.describe('What the server gets with each request.'),
  parameters: triggerParameters.optional().describe('Write values of events into spec.'),
  payload: triggerParameters.optional().describe('Builds the JSON payload from events.'),
});
export type CustomTriggerTemplate = z.infer<typeof customTriggerTemplate>;
