/** Reference: argo-events.md 2.1, `filter`. */
import type { JsonValue } from '../../src/event/json';
import { createExpressionEngine } from '../../src/expressions';
import { evaluateSourceFilter } from '../../src/matching/source-filter';

const engine = createExpressionEngine();
afterAll(() => engine.close());

const data: JsonValue = {
  body: { type: 'new', n: '7', tags: ['a', 'b'] }, 'X-Kind': 'k', 'a.b': 1, 'c.d.e': 2, c: 'gives way', text: '{"v":[5]}',
}; // prettier-ignore

describe('the filter of an event source', () => {
  it.each<[string, 'passed' | 'filtered' | 'failed']>([
    ['body.type == "new"', 'passed'],
    ['body.type == "old"', 'filtered'],
    ['X_Kind == "k"', 'passed'],
    ['a.b == 1 && c.d.e == 2', 'passed'],
    ['missing == nil', 'passed'],
    ['missing.deep == 1', 'failed'],
    ['missing?.deep == nil', 'passed'],
    ['asInt(body.n) == 7 && asFloat("1.5") == 1.5', 'passed'],
    ['sprig.upper(body.type) == "NEW"', 'passed'],
    ['jsonpath(text, "$.v[0]") == 5', 'passed'],
    ['jsonpath("not json", "$.v") == 5', 'failed'],
    ['toJson(body.tags) == "[\\"a\\",\\"b\\"]"', 'passed'],
    ['body.type matches "^n" and "a" in body.tags and len(body.tags) == 2', 'passed'],
    ['any(body.tags, {# == "b"}) and body.type contains "ew"', 'passed'],
    ['body.n', 'failed'],
    ['body.type ==', 'failed'],
  ])('%s: %s', async (expression, outcome) => {
    expect(await evaluateSourceFilter(expression, [data], engine)).toMatchObject([{ outcome }]);
  });

  it('returns a result for each event, in order', async () => {
    const verdicts = await evaluateSourceFilter('n > 1', [{ n: 1 }, { n: 2 }, { n: 'x' }, [1]], engine);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(['filtered', 'passed', 'failed', 'failed']);
  });
});

it('reads a key that has the name of a function, such as the values of a Redis stream entry', async () => {
  const data = { values: { collection: 'a' }, keys: ['x'] };
  for (const expression of ['values.collection == "a"', 'values["collection"] == "a"', 'keys[0] == "x"']) {
    expect(await evaluateSourceFilter(expression, [data], engine)).toEqual([{ outcome: 'passed' }]);
  }
});

it('rejects incompatible operands, as Argo Events does', async () => {
  const [verdict] = await evaluateSourceFilter('true || 2.5', [{}], engine);
  expect(verdict).toMatchObject({ outcome: 'failed', code: 'EXPRESSION_INVALID' });
});
