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
  url: requiredText,
  method: z.enum(HTTP_METHODS).optional().describe('Default POST.'),
  payload: triggerParameters.optional(),
  parameters: triggerParameters.optional(),
  timeout: z.int().min(0).optional().describe('Seconds; default 60.'),
  tls: tlsConfig.optional(),
  basicAuth: basicAuth.optional(),
  headers: stringMap.optional(),
  secureHeaders: z.array(secureHeader).optional(),
  dynamicHeaders: triggerParameters.optional().describe('Header named by dest, value from src.'),
  host: optionalText.describe('Host header, for virtual hosting.'),
});
export type HttpTriggerTemplate = z.infer<typeof httpTriggerTemplate>;

export const customTriggerTemplate = z.strictObject({
  serverURL: requiredText,
  secure: optionalFlag,
  certSecret: secretKeySelector.optional(),
  serverNameOverride: optionalText,
  spec: stringMap,
  parameters: triggerParameters.optional(),
  payload: triggerParameters.optional(),
});
export type CustomTriggerTemplate = z.infer<typeof customTriggerTemplate>;
