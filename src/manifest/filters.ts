/** The filters of a dependency, and the transform that runs before them. */
import { z } from 'zod';
import { optionalText, requiredText } from './common';

const LOGICAL_OPERATORS = ['and', 'or'] as const;
const logicalOperator = z.enum(LOGICAL_OPERATORS).optional();

const dataFilter = z.strictObject({
  path: requiredText.describe('gjson path into the event data.'),
  type: z.enum(['string', 'number', 'bool']).describe('How the value is read and compared.'),
  value: z.array(z.string()).min(1).describe('Passes if any of them passes. Strings are RE2 regular expressions.'),
  comparator: z
    .enum(['>=', '>', '=', '!=', '<', '<='])
    .optional()
    .describe('Default =; strings know = and != only, booleans ignore it.'),
  template: optionalText.describe('Go template over the value (.Input) before it is compared.'),
});
export type DataFilter = z.infer<typeof dataFilter>;

const exprFilter = z.strictObject({
  expr: requiredText.describe('govaluate expression over the fields.'),
  fields: z
    .array(
      z.strictObject({
        path: requiredText.describe('gjson path into the event data.'),
        name: requiredText.describe('Name in the expression.'),
      }),
    )
    .min(1)
    .describe('Names for values of the event data.'),
});
export type ExprFilter = z.infer<typeof exprFilter>;

const contextFilter = z.strictObject({
  type: optionalText.describe('The CloudEvent type must be this.'),
  subject: optionalText.describe('The CloudEvent subject (event name) must be this.'),
  source: optionalText.describe('The CloudEvent source (EventSource) must be this.'),
  datacontenttype: optionalText.describe('The content type of the data must be this.'),
  id: optionalText.describe('Accepted, not compared.'),
  specversion: optionalText.describe('Accepted, not compared.'),
  time: optionalText.describe('Accepted, not compared.'),
});
export type ContextFilter = z.infer<typeof contextFilter>;

const timeFilter = z.strictObject({
  start: requiredText.describe('HH:MM:SS, included.'),
  stop: requiredText.describe('HH:MM:SS, excluded; before start means over midnight.'),
  timezone: optionalText.describe('IANA name; default UTC.'),
});
export type TimeFilter = z.infer<typeof timeFilter>;

const dependencyFilters = z.strictObject({
  exprs: z.array(exprFilter).optional().describe('Expressions over the event data.'),
  exprLogicalOperator: logicalOperator.describe('How several expressions are combined; default and.'),
  data: z.array(dataFilter).optional().describe('Comparisons with the event data.'),
  dataLogicalOperator: logicalOperator.describe('How several comparisons are combined; default and.'),
  context: contextFilter.optional().describe('Attributes that the event must have.'),
  time: timeFilter.optional().describe('Time of day at which the event must have happened.'),
  script: optionalText.describe('Lua; must return true.'),
});
export type DependencyFilters = z.infer<typeof dependencyFilters>;

const dependencyTransform = z.strictObject({
  jq: optionalText.describe('jq program; its first result, an object, replaces the data.'),
  script: optionalText.describe('Lua; must return a table. jq wins if both are set.'),
});

export const dependency = z.strictObject({
  name: requiredText.describe('Name in conditions and parameters, unique in the Sensor.'),
  eventSourceName: requiredText.describe('EventSource that publishes the event.'),
  eventName: requiredText.describe('Name of the event in that EventSource.'),
  transform: dependencyTransform.optional().describe('Changes the data before the filters.'),
  filters: dependencyFilters.optional().describe('Which events count; the others have no effect.'),
  filtersLogicalOperator: logicalOperator.describe('How the kinds of filters are combined; default and.'),
});
export type Dependency = z.infer<typeof dependency>;
