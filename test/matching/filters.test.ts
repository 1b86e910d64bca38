/** Reference: argo-events.md 1.4. */
import type { JsonValue } from '../../src/event/json';
import { createExpressionEngine } from '../../src/expressions';
import type { DataFilter, DependencyFilters } from '../../src/manifest/filters';
import { evaluateDependencies } from '../../src/matching/evaluate-dependencies';
import { base64, dependencyWith, eventWith } from './evaluation-samples';

const engine = createExpressionEngine();
afterAll(() => engine.close());

type Outcome = 'matched' | 'filtered' | 'failed';

async function decide(data: JsonValue, filters: DependencyFilters, operator?: 'and' | 'or') {
  const pair = {
    event: eventWith({ data }),
    dependency: dependencyWith({ filters, filtersLogicalOperator: operator }),
  };
  const [verdict] = await evaluateDependencies([pair], engine);
  return verdict;
}

const document: JsonValue = {
  text: 'Opened', number: 12.5, whole: 7, digits: '42', yes: true, no: false, none: null, list: ['a', { k: 'v' }, 3],
  object: { k: 1 }, 'with.dot': 'x', T: 'T', sci: 1e21,
}; // prettier-ignore

describe('a data filter', () => {
  const data = (path: string, type: DataFilter['type'], value: string[], more: Partial<DataFilter> = {}) => ({
    path,
    type,
    value,
    ...more,
  });

  it.each<[string, DataFilter, Outcome]>([
    // paths
    ['finds a key', data('text', 'string', ['Opened']), 'matched'],
    ['finds a list element', data('list.1.k', 'string', ['v']), 'matched'],
    ['counts a list', data('list.#', 'number', ['3']), 'matched'],
    ['queries a list', data('list.#(k=="v").k', 'string', ['^v$']), 'matched'],
    ['finds by wildcard', data('te*', 'string', ['Opened']), 'matched'],
    ['finds a key with a dot', data('with\\.dot', 'string', ['x']), 'matched'],
    ['follows modifiers and pipes', data('list|@reverse|0', 'number', ['3']), 'matched'],
    ['joins several paths in brackets', data('[text,whole]', 'string', ['^\\["Opened",7\\]$']), 'matched'],
    ['does not support the comma form of the docs', data('text,whole', 'string', ['Opened']), 'filtered'],
    ['treats null as existing', data('none', 'string', ['^$']), 'matched'],
    ['rejects a missing path', data('missing', 'string', ['.*']), 'filtered'],
    ['rejects a missing path that only gjson can read', data('list.#(k=="w")', 'string', ['.*']), 'filtered'],
    // text
    ['matches unanchored', data('text', 'string', ['pen']), 'matched'],
    ['is case sensitive', data('text', 'string', ['opened']), 'filtered'],
    ['takes RE2 flags', data('text', 'string', ['(?i)^opened$']), 'matched'],
    ['passes if any value matches', data('text', 'string', ['^Closed$', '^Opened$']), 'matched'],
    [
      '!= passes if any value differs',
      data('text', 'string', ['^Closed$', '^Opened$'], { comparator: '!=' }),
      'matched',
    ],
    ['!= rejects if none differs', data('text', 'string', ['Opened'], { comparator: '!=' }), 'filtered'],
    ['does not order text', data('text', 'string', ['A'], { comparator: '>=' }), 'filtered'],
    ['reads numbers as text without exponent', data('sci', 'string', ['^1000000000000000000000$']), 'matched'],
    ['reads objects as their JSON', data('object', 'string', ['^\\{"k":1\\}$']), 'matched'],
    ['reads true as text', data('yes', 'string', ['^true$']), 'matched'],
    ['fails on a bad pattern', data('text', 'string', ['(']), 'failed'],
    ['does not evaluate a bad pattern after a match', data('text', 'string', ['Opened', '(']), 'matched'],
    // numbers
    ['compares =', data('number', 'number', ['12.50']), 'matched'],
    ['compares >=', data('whole', 'number', ['7'], { comparator: '>=' }), 'matched'],
    ['compares >', data('whole', 'number', ['7'], { comparator: '>' }), 'filtered'],
    ['compares <', data('whole', 'number', ['7.5'], { comparator: '<' }), 'matched'],
    ['compares <=', data('whole', 'number', ['6'], { comparator: '<=' }), 'filtered'],
    ['compares !=', data('whole', 'number', ['7'], { comparator: '!=' }), 'filtered'],
    [
      '!= with two different values always passes',
      data('whole', 'number', ['7', '8'], { comparator: '!=' }),
      'matched',
    ],
    ['reads numbers in text', data('digits', 'number', ['42']), 'matched'],
    ['counts other text as 0', data('text', 'number', ['0']), 'matched'],
    ['counts true as 1', data('yes', 'number', ['1']), 'matched'],
    ['counts null as 0', data('none', 'number', ['0']), 'matched'],
    ['counts objects as 0', data('object', 'number', ['0']), 'matched'],
    ['fails on a value that is not a number', data('whole', 'number', ['seven']), 'failed'],
    ['does not evaluate a bad number after a match', data('whole', 'number', ['7', 'seven']), 'matched'],
    // booleans
    ['compares true', data('yes', 'bool', ['TRUE']), 'matched'],
    ['compares false', data('no', 'bool', ['0']), 'matched'],
    ['ignores the comparator of a bool', data('yes', 'bool', ['true'], { comparator: '!=' }), 'matched'],
    ['reads T as true', data('T', 'bool', ['true']), 'matched'],
    ['reads other text as false', data('text', 'bool', ['false']), 'matched'],
    ['reads any number but 0 as true', data('whole', 'bool', ['t']), 'matched'],
    ['reads null as false', data('none', 'bool', ['f']), 'matched'],
    ['fails on a value that is not a boolean', data('yes', 'bool', ['yes']), 'failed'],
    // templates
    [
      'changes the value by a template',
      data('text', 'string', ['^OPENED$'], { template: '{{ .Input | upper }}' }),
      'matched',
    ],
    [
      'passes any value to a template as text',
      data('number', 'number', ['12'], { template: '{{ .Input | trunc 2 }}' }),
      'matched',
    ],
    [
      'fails if a template returns nothing',
      data('text', 'string', ['.*'], { template: '{{ if false }}x{{ end }}' }),
      'failed',
    ],
    ['fails if a template returns no value', data('text', 'string', ['.*'], { template: '<no value>' }), 'failed'],
    [
      'applies a template after a path only gjson can read',
      data('list.#', 'string', ['^n3$'], { template: 'n{{ .Input }}' }),
      'matched',
    ],
  ])('%s', async (_name, filter, outcome) => {
    expect(await decide(document, { data: [filter] })).toMatchObject({ outcome });
  });

  it('reports the value found and the value wanted', async () => {
    const verdict = await decide(document, { data: [data('whole', 'number', ['3', '4'], { comparator: '<' })] });
    expect(verdict).toMatchObject({ outcome: 'filtered', clause: 'filters.data[0]' });
    if (verdict?.outcome === 'filtered') expect(verdict.reason).toMatch(/whole.*7.*<.*3.*4/);
  });
});

describe('an expression filter', () => {
  const fields = [
    { path: 'text', name: 'text' },
    { path: 'number', name: 'n' },
    { path: 'none', name: 'none' },
    { path: 'list.#', name: 'count' },
    { path: 'yes', name: 'yes' },
  ];

  it.each<[string, Outcome]>([
    ['text == "Opened"', 'matched'],
    ['n > 12 && n < 13 || false', 'matched'],
    ['count == 3', 'matched'],
    ['text =~ "^Op"', 'matched'],
    ['text !~ "^Op"', 'filtered'],
    ['text in ("Closed", "Opened")', 'matched'],
    ['(n > 20 ? "big" : "small") == "small"', 'matched'],
    ['!yes', 'filtered'],
    ['n + 1', 'filtered'],
    ['"1" == 1', 'filtered'],
    ["n == '2014-01-02'", 'filtered'],
    ['(none ?? "default") == "default"', 'matched'],
    ['text > 3', 'failed'],
    ['n && yes', 'failed'],
    ['unknown == 1', 'failed'],
    ['text.length == 3', 'failed'],
    ['text == ', 'failed'],
  ])('%s is %s', async (expr, outcome) => {
    expect(await decide(document, { exprs: [{ expr, fields }] })).toMatchObject({ outcome });
  });

  it('rejects if a field is missing', async () => {
    for (const path of ['missing', 'list.#(k=="w")']) {
      const filters = { exprs: [{ expr: 'true', fields: [...fields, { path, name: 'm' }] }] };
      expect(await decide(document, filters)).toMatchObject({ outcome: 'filtered', clause: 'filters.exprs[0]' });
    }
  });
});

describe('a context filter', () => {
  it.each<[DependencyFilters['context'], Outcome]>([
    [{ type: 'redis' }, 'matched'],
    [{ type: 'redis', source: 'stac', subject: 'items', datacontenttype: 'application/json' }, 'matched'],
    [{ type: 'webhook' }, 'filtered'],
    [{ type: 'redis', subject: 'other' }, 'filtered'],
    [{ type: '', id: 'another', specversion: '0.3', time: 'never' }, 'matched'],
  ])('%j is %s', async (context, outcome) => {
    expect(await decide({}, { context })).toMatchObject({ outcome });
  });
});

describe('a script filter', () => {
  it.each<[string, JsonValue, Outcome]>([
    ['return event.a == 1', { a: 1 }, 'matched'],
    ['return event.a', { a: true }, 'matched'],
    ['return 1', {}, 'filtered'],
    ['return "true"', {}, 'filtered'],
    ['return nil', {}, 'filtered'],
    ['local x = 1', {}, 'filtered'],
    ['return false, true', {}, 'matched'],
    ['return true, false', {}, 'filtered'],
    ['return event.a.b.c == 1', {}, 'failed'],
    ['return (', {}, 'failed'],
    ['return true', [1], 'failed'],
  ])('%s on %j is %s', async (script, data, outcome) => {
    expect(await decide(data, { script })).toMatchObject({ outcome });
  });
});

describe('filters together', () => {
  const yes: DataFilter = { path: 'a', type: 'number', value: ['1'] };
  const no: DataFilter = { path: 'a', type: 'number', value: ['2'] };
  const error: DataFilter = { path: 'a', type: 'number', value: ['x'] };
  const exprYes = { expr: 'a == 1', fields: [{ path: 'a', name: 'a' }] };
  const exprNo = { expr: 'a == 2', fields: [{ path: 'a', name: 'a' }] };
  const exprError = { expr: 'a == b', fields: [{ path: 'a', name: 'a' }] };

  it.each<[string, DependencyFilters, 'and' | 'or' | undefined, Outcome]>([
    ['no filters', {}, undefined, 'matched'],
    ['empty filters under or', {}, 'or', 'filtered'],
    ['empty list of data filters', { data: [] }, 'and', 'matched'],
    ['empty list of data filters under or', { data: [] }, 'or', 'matched'],
    ['empty list of data filters next to one that rejects', { data: [], context: { type: 'x' } }, 'or', 'matched'],
    ['empty list of data filters, joined by or', { data: [], dataLogicalOperator: 'or' }, 'or', 'matched'],
    ['empty list of expressions', { exprs: [] }, 'and', 'matched'],
    ['empty list of expressions under or', { exprs: [] }, 'or', 'matched'],
    ['empty list of expressions, joined by or', { exprs: [], exprLogicalOperator: 'or' }, 'and', 'filtered'],
    ['empty list of expressions, joined by or, under or', { exprs: [], exprLogicalOperator: 'or' }, 'or', 'filtered'],
    ['data: all must pass', { data: [yes, yes] }, undefined, 'matched'],
    ['data: one rejection is enough', { data: [yes, no] }, undefined, 'filtered'],
    ['data under or: one that passes is enough', { data: [no, yes], dataLogicalOperator: 'or' }, undefined, 'matched'],
    ['data under or: none passes', { data: [no, no], dataLogicalOperator: 'or' }, undefined, 'filtered'],
    ['data under or: an error counts as no', { data: [error, yes], dataLogicalOperator: 'or' }, undefined, 'matched'],
    [
      'data under or: an error is reported if nothing passes',
      { data: [no, error], dataLogicalOperator: 'or' },
      undefined,
      'failed',
    ],
    ['data: an error after a rejection changes nothing', { data: [no, error] }, undefined, 'filtered'],
    ['data: an error before a rejection changes nothing', { data: [error, no] }, undefined, 'filtered'],
    ['data: an error next to a match', { data: [error, yes] }, undefined, 'failed'],
    ['exprs: all must pass', { exprs: [exprYes, exprNo] }, undefined, 'filtered'],
    ['exprs under or', { exprs: [exprNo, exprYes], exprLogicalOperator: 'or' }, undefined, 'matched'],
    [
      'exprs under or: an error counts as no',
      { exprs: [exprError, exprYes], exprLogicalOperator: 'or' },
      undefined,
      'matched',
    ],
    ['kinds: all must pass', { data: [yes], exprs: [exprYes], script: 'return false' }, 'and', 'filtered'],
    ['kinds under or: one is enough', { data: [no], exprs: [exprNo], script: 'return true' }, 'or', 'matched'],
    ['kinds under or: none', { data: [no], exprs: [exprNo], context: { type: 'x' } }, 'or', 'filtered'],
    ['kinds under or: an error does not reject the event', { data: [yes], script: 'error("x")' }, 'or', 'matched'],
    ['kinds under or: an error alone', { script: 'error("x")' }, 'or', 'failed'],
    ['kinds under and: an error', { data: [yes], script: 'error("x")' }, 'and', 'failed'],
  ])('%s', async (_name, filters, operator, outcome) => {
    expect(await decide({ a: 1 }, filters, operator)).toMatchObject({ outcome });
  });

  it('name the clause that decided', async () => {
    expect(await decide({ a: 1 }, { data: [yes, no] })).toMatchObject({ clause: 'filters.data[1]' });
    expect(await decide({ a: 1 }, { data: [no, no], dataLogicalOperator: 'or' })).toMatchObject({
      clause: 'filters.data',
    });
    expect(await decide({ a: 1 }, { data: [no], context: { type: 'x' } }, 'or')).toMatchObject({ clause: 'filters' });
    expect(await decide({ a: 1 }, { exprs: [exprYes, exprError] })).toMatchObject({ clause: 'filters.exprs[1]' });
  });

  it('pass an event without data through filters that read the data', async () => {
    const event = eventWith({ data: undefined });
    const filters: DependencyFilters = { data: [no], exprs: [exprNo], script: 'return false' };
    expect(await evaluateDependencies([{ event, dependency: dependencyWith({ filters }) }], engine)).toEqual([
      { outcome: 'matched', event },
    ]);
  });

  it('fail on data that is not JSON, and read JSON in bytes', async () => {
    const plain = eventWith({ data: undefined, data_base64: base64('plain'), datacontenttype: 'text/plain' });
    const json = eventWith({ data: undefined, data_base64: base64('{"a":1}'), datacontenttype: 'text/plain' });
    const dependency = dependencyWith({ filters: { data: [yes] } });
    const verdicts = await evaluateDependencies(
      [
        { event: plain, dependency },
        { event: json, dependency },
      ],
      engine,
    );
    expect(verdicts).toMatchObject([{ outcome: 'failed', code: 'EVENT_UNDECODABLE' }, { outcome: 'matched' }]);
  });
});
