/** The filters of a dependency, and the transform that runs before them. */
import { z } from 'zod';
import { optionalText, requiredText } from './common';

const LOGICAL_OPERATORS = ['and', 'or'] as const;
const logicalOperator = z.enum(LOGICAL_OPERATORS).optional();

const dataFilter = z.strictObject({
  path: requiredText.describe('gjson path into the event data.'),
  type: z.enum(['string', 'number', 'bool']),
  value: z.array(z.string()).min(1).describe('Passes if any of them passes. Strings are RE2 regular expressions.'),
  comparator: z.enum(['>=', '>', '=', '!=', '<', '<=']).optional(),
  template: optionalText.describe('Go template over the value (.Input) before it is compared.'),
});
export type DataFilter = z.infer<typeof dataFilter>;

const exprFilter = z.strictObject({
  expr: requiredText.describe('govaluate expression over the fields.'),
  fields: z.array(z.strictObject({ path: requiredText, name: requiredText })).min(1),
});
export type ExprFilter = z.infer<typeof exprFilter>;

const contextFilter = z.strictObject({
  type: optionalText,
  subject: optionalText,
  source: optionalText,
  datacontenttype: optionalText,
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
  exprs: z.array(exprFilter).optional(),
  exprLogicalOperator: logicalOperator,
  data: z.array(dataFilter).optional(),
  dataLogicalOperator: logicalOperator,
  context: contextFilter.optional(),
  time: timeFilter.optional(),
  script: optionalText.describe('Lua; must return true.'),
});
export type DependencyFilters = z.infer<typeof dependencyFilters>;

const dependencyTransform = z.strictObject({
  jq: optionalText,
  script: optionalText.describe('Lua; must return a table. jq wins if both are set.'),
});

export const dependency = z.strictObject({
  name: requiredText,
  eventSourceName: requiredText,
  eventName: requiredText,
  transform: dependencyTransform.optional(),
  filters: dependencyFilters.optional(),
  filtersLogicalOperator: logicalOperator,
});
export type Dependency = z.infer<typeof dependency>;
