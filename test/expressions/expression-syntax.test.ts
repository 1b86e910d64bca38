import { createExpressionEngine, createExpressionSyntax } from '../../src/expressions';

const engine = createExpressionEngine();
const syntax = createExpressionSyntax(engine);
afterAll(() => engine.close());

describe('the syntax of an expression is checked by the library that will run it', () => {
  it.each([
    ['jq', '.a |= [.]', '.a |'],
    ['jq', '{id: .id, n: (.l | length)}', '{id: .id, n: nosuchfunction}'],
    ['lua', 'event.x = 1; return event', 'return return'],
    ['template', '{{ .Input.a | upper }}', '{{ .Input.a | nosuchfunction }}'],
    ['template', '{{ if .Input.a }}x{{ end }}', '{{ if .Input.a }}x'],
    ['govaluate', 'a == "x" && b > 3', 'a == && b'],
    ['expr', 'body.a matches "^x" and asInt(body.n) > 3', 'body. == 1'],
    ['regex', '^S2[AB]_.*$', '(?=lookahead)'],
  ] as const)('%s accepts %j and refuses %j', async (language, right, wrong) => {
    expect(await syntax.check(language, right)).toBeUndefined();
    expect(await syntax.check(language, wrong)).toMatchObject({ message: expect.any(String) as string });
  });

  it('lists the known functions if one is unknown', async () => {
    expect((await syntax.check('jq', 'nosuch'))?.functions).toEqual(expect.arrayContaining(['fromjson/0', 'test/2']));
    const ofTemplates = (await syntax.check('template', '{{ nosuch }}'))?.functions;
    expect(ofTemplates).toEqual(expect.arrayContaining(['b64enc', 'printf']));
    expect(ofTemplates).not.toContain('env');
  });

  it('returns the offset of a mistake in jq in bytes, as its library counts', async () => {
    expect(await syntax.check('jq', '"é" | | .')).toMatchObject({ offset: 7 });
  });
});
