import { createExpressionEngine, createExpressionSyntax } from '../../src/expressions';

const engine = createExpressionEngine();
const syntax = createExpressionSyntax(engine);
afterAll(() => engine.close());

describe('the syntax of an expression is checked by the library that will run it', () => {
  it.each([
    ['checkJq', '.a |= [.]', '.a |'],
    ['checkJq', '{id: .id, n: (.l | length)}', '{id: .id, n: nosuchfunction}'],
    ['checkLua', 'event.x = 1; return event', 'return return'],
    ['checkTemplate', '{{ .Input.a | upper }}', '{{ .Input.a | nosuchfunction }}'],
    ['checkTemplate', '{{ if .Input.a }}x{{ end }}', '{{ if .Input.a }}x'],
    ['checkGovaluate', 'a == "x" && b > 3', 'a == && b'],
    ['checkExpr', 'body.a matches "^x" and asInt(body.n) > 3', 'body. == 1'],
    ['checkRegex', '^S2[AB]_.*$', '(?=lookahead)'],
  ] as const)('%s accepts %j and refuses %j', async (check, right, wrong) => {
    expect(await syntax[check](right)).toBeUndefined();
    expect(await syntax[check](wrong)).toEqual(expect.any(String));
  });
});
