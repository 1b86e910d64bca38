import { createExpressionEngine } from '../../src/expressions';
import { evaluateDependencies, explainDependency } from '../../src/matching/evaluate-dependencies';
import type { ExpressionEngine, ExpressionRequest } from '../../src/expressions/engine';
import { dependencyWith, eventWith } from './evaluation-samples';

const engine = createExpressionEngine();
afterAll(() => engine.close());

describe('evaluating dependencies', () => {
  it('evaluates many pairs in order, with one bad event affecting no other', async () => {
    const dependency = dependencyWith({
      transform: { script: 'if event.n == 3 then error("three") end event.double = event.n * 2; return event' },
      filters: {
        data: [{ path: 'double', type: 'number', comparator: '>=', value: ['4'] }],
        script: 'return event.n ~= 5',
      },
    });
    const events = [...Array(8).keys()].map((n) => eventWith({ id: String(n), data: { n } }));
    const verdicts = await evaluateDependencies(
      events.map((event) => ({ event, dependency })),
      engine,
    );
    expect(verdicts.map(({ outcome }) => outcome)).toEqual([
      'filtered', 'filtered', 'matched', 'failed', 'matched', 'filtered', 'matched', 'matched',
    ]); // prettier-ignore
    expect(verdicts[2]).toEqual({ outcome: 'matched', event: eventWith({ id: '2', data: { n: 2, double: 4 } }) });
    expect(verdicts[3]).toMatchObject({ clause: 'transform.script', code: 'EXPRESSION_FAILED' });
    expect(verdicts[5]).toMatchObject({ clause: 'filters.script' });
  });

  it('does not call the engine if a plain filter has already decided', async () => {
    const asked: ExpressionRequest[] = [];
    const counting: ExpressionEngine = {
      evaluate: (request) => {
        asked.push(request);
        return engine.evaluate(request);
      },
      close: () => engine.close(),
    };
    const dependency = dependencyWith({
      transform: { jq: '{id: .id, cloud: .properties."eo:cloud_cover"}' },
      filters: { data: [{ path: 'cloud', type: 'number', comparator: '<', value: ['20'] }], script: 'return true' },
    });
    const decide = (cloud: number) =>
      evaluateDependencies(
        [{ event: eventWith({ data: { id: 'S2', properties: { 'eo:cloud_cover': cloud } } }), dependency }],
        counting,
      );
    expect(await decide(50)).toMatchObject([{ outcome: 'filtered', clause: 'filters.data[0]' }]);
    expect(asked).toHaveLength(0);
    expect(await decide(10)).toMatchObject([{ outcome: 'matched' }]);
    expect(asked).toMatchObject([{ kind: 'luaFilter' }]);
  });
});

describe('explaining a dependency', () => {
  const filters = {
    data: [
      { path: 'cloud', type: 'number' as const, comparator: '<' as const, value: ['20'] },
      { path: 'id', type: 'string' as const, value: ['^S2'] },
    ],
    context: { type: 'redis' },
    script: 'error("no idea")',
  };

  it('shows the results of the transform and every clause, with the verdict of the real evaluation', async () => {
    const event = eventWith({ data: { id: 'S2A', c: 50 } });
    const dependency = dependencyWith({ transform: { jq: '{id, cloud: .c}' }, filters });
    const trace = await explainDependency(event, dependency, engine);
    expect(trace.transform).toEqual({ clause: 'transform.jq', outcome: 'changed', data: { id: 'S2A', cloud: 50 } });
    expect(trace.clauses).toMatchObject([
      { clause: 'filters.data[0]', outcome: 'refused' },
      { clause: 'filters.data[1]', outcome: 'passed' },
      { clause: 'filters.script', outcome: 'failed', code: 'EXPRESSION_FAILED' },
      { clause: 'filters.context', outcome: 'passed' },
    ]);
    expect(trace.verdict).toMatchObject({ outcome: 'filtered', clause: 'filters.data[0]' });
    expect([trace.verdict]).toEqual(await evaluateDependencies([{ event, dependency }], engine));
  });

  it('shows why a transform failed', async () => {
    const trace = await explainDependency(
      eventWith(),
      dependencyWith({ transform: { jq: '.a.b.c | error' }, filters }),
      engine,
    );
    expect(trace).toMatchObject({
      transform: { outcome: 'failed' },
      clauses: [],
      verdict: { outcome: 'failed', clause: 'transform.jq' },
    });
  });
});
