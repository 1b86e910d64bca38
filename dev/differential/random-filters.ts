/** Filters of dependencies: every kind, and every way to combine them. */
import fc from 'fast-check';
import type { DataFilter, DependencyFilters, ExprFilter } from '../../src/manifest/filters';
import { paths, texts } from './random-json';
import { luaFilters } from './random-lua';
import { templates } from './random-templates';

const PATTERNS = ['^a', 'a$', '[a-z]+', '\\d+', '(?i)A', 'x|a', '^$', '.', '^S2', '(', '[', 'é', '\\bS', 'a{2}', '^[^_]*_', 'true', '0', '2.5', '1e3', 'FALSE', 'T', '0x1p-2', 'inf', '-1', '1_000', ' 1', 'nan']; // prettier-ignore

const values = fc.array(
  fc.oneof(
    fc.constantFrom(...PATTERNS),
    texts.filter((text) => text !== ''),
  ),
  {
    minLength: 1,
    maxLength: 3,
  },
);

const dataFilters: fc.Arbitrary<DataFilter> = fc.record(
  {
    path: paths,
    type: fc.constantFrom('string', 'number', 'bool'),
    value: values,
    comparator: fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
    template: fc.oneof(fc.constantFrom('{{ .Input }}', '{{ .Input | upper }}', '{{ .Input | int }}'), templates),
  },
  { requiredKeys: ['path', 'type', 'value'] },
);

const OPERANDS = ['x', 'y', '1', '2.5', '"a"', "'S2A'", 'true', "'2014-01-02'", '(1, 2)', '-x', '!x', 'nil'];
const OPERATORS = ['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '**', '&&', '||', '=~', '!~', 'in', '??', '&', '|']; // prettier-ignore
const expressions = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...OPERANDS),
    fc
      .tuple(tie('expression'), fc.constantFrom(...OPERATORS), tie('expression'))
      .map(([left, operator, right]) => `${left} ${operator} ${right}`),
    tie('expression').map((inner) => `(${inner})`),
    fc.tuple(tie('expression'), tie('expression')).map(([first, second]) => `x ? ${first} : ${second}`),
  ),
})).expression;

const exprFilters: fc.Arbitrary<ExprFilter> = fc.record({
  expr: expressions,
  fields: fc.tuple(paths, paths).map(([x, y]) => [
    { name: 'x', path: x },
    { name: 'y', path: y },
  ]),
});

const clocks = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}:00`);

const operators = fc.constantFrom('and' as const, 'or' as const);

const several: fc.Arbitrary<DependencyFilters> = fc.record(
  {
    exprs: fc.array(exprFilters, { maxLength: 2 }),
    exprLogicalOperator: operators,
    data: fc.array(dataFilters, { maxLength: 3 }),
    dataLogicalOperator: operators,
    context: fc.record(
      {
        type: fc.constantFrom('redis', 'webhook'),
        subject: fc.constantFrom('items', 'x'),
        source: fc.constant('stac'),
      },
      { requiredKeys: [] },
    ),
    time: fc.record(
      { start: clocks, stop: clocks, timezone: fc.constantFrom('UTC', 'Local', 'Asia/Kolkata', 'America/Phoenix') },
      { requiredKeys: ['start', 'stop'] },
    ),
    script: luaFilters,
  },
  { requiredKeys: [] },
);

export const filterSets: fc.Arbitrary<DependencyFilters> = fc.oneof(
  { weight: 3, arbitrary: dataFilters.map((filter) => ({ data: [filter] })) },
  { weight: 2, arbitrary: exprFilters.map((filter) => ({ exprs: [filter] })) },
  { weight: 3, arbitrary: several },
);
