/** Parameters: values taken from events and written into templates, resources, payloads and headers. */
import { z } from 'zod';
import { optionalFlag, optionalText, requiredText } from './common';

const triggerParameterSource = z.strictObject({
  dependencyName: requiredText.describe('Whose event the value comes from.'),
  contextKey: optionalText.describe('gjson path into the event context.'),
  contextTemplate: optionalText.describe('Go template over the event context (.Input).'),
  dataKey: optionalText.describe('gjson path into the event data.'),
  dataTemplate: optionalText.describe('Go template over the event data (.Input).'),
  value: optionalText.describe('Default when nothing else gives a value.'),
  useRawData: optionalFlag.describe('Keep numbers, booleans, lists and objects as they are instead of as text.'),
});
export type TriggerParameterSource = z.infer<typeof triggerParameterSource>;

const PARAMETER_OPERATIONS = ['overwrite', 'append', 'prepend'] as const;

const triggerParameter = z.strictObject({
  src: triggerParameterSource.describe('Where the value comes from.'),
  dest: optionalText.describe('sjson path of the place to write.'),
  operation: z
    .enum(PARAMETER_OPERATIONS)
    .optional()
    .describe('What happens to a value that is there already; default overwrite.'),
});
export type TriggerParameter = z.infer<typeof triggerParameter>;

export const triggerParameters = z.array(triggerParameter);
