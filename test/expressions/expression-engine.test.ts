/** What a script can do to the engine: nothing. */
import type { JsonValue } from '../../src/event/json';
import { createExpressionEngine } from '../../src/expressions';
import type { ExpressionEngine, ExpressionRequest } from '../../src/sensor/expression-engine';

const data: JsonValue = { a: 1, list: [1, 2], text: 'x' };
const lua = (script: string): ExpressionRequest => ({ kind: 'luaFilter', script, data });
const jq = (program: string): ExpressionRequest => ({ kind: 'jq', program, data });
const template = (text: string): ExpressionRequest => ({ kind: 'template', template: text, input: data });

describe('an expression that harms', () => {
  let engine: ExpressionEngine;
  beforeAll(() => {
    engine = createExpressionEngine({ timeLimitMs: 1_000, maxMemoryMb: 128 });
  });
  afterAll(() => engine.close());

  it.each<[string, ExpressionRequest, string[]]>([
    ['a Lua script that loops for ever', lua('while true do end'), ['EXPRESSION_TIMED_OUT']],
    [
      'a Lua coroutine that loops for ever',
      lua('coroutine.wrap(function() while true do end end)()'),
      ['EXPRESSION_TIMED_OUT'],
    ],
    [
      'a Lua script that catches its own end',
      lua('while true do pcall(function() while true do end end) end'),
      ['EXPRESSION_TIMED_OUT'],
    ],
    [
      'a Lua pattern that backtracks',
      lua('return ("a"):rep(40):find(("a?"):rep(40) .. ("a"):rep(41))'),
      ['EXPRESSION_TIMED_OUT'],
    ],
    ['a Lua script that calls itself', lua('local function f() return 1 + f() end return f()'), ['EXPRESSION_FAILED']],
    ['a Lua script that asks for 10 GB at once', lua('return ("x"):rep(1e10)'), ['EXPRESSION_FAILED']],
    [
      'a Lua script that allocates for ever',
      lua('local t = {} while true do t[#t + 1] = {} end'),
      ['EXPRESSION_TIMED_OUT', 'EXPRESSION_FAILED'],
    ],
    [
      'a Lua table that contains itself',
      { kind: 'luaTransform', script: 'event.me = event; return event', data },
      ['EXPRESSION_FAILED'],
    ],
    ['a jq program that repeats for ever', jq('[repeat(1)]'), ['EXPRESSION_TIMED_OUT', 'EXPRESSION_FAILED']],
    ['a jq program that recurses for ever', jq('def f: [f]; f'), ['EXPRESSION_TIMED_OUT', 'EXPRESSION_FAILED']],
    ['a jq program that loops without output', jq('def f: f; f'), ['EXPRESSION_TIMED_OUT']],
    [
      'a template that calls itself',
      template('{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}'),
      ['EXPRESSION_FAILED'],
    ],
    [
      'a template that makes a list without end',
      template('{{ range until 1000000000 }}{{ end }}'),
      ['EXPRESSION_FAILED', 'EXPRESSION_TIMED_OUT'],
    ],
    ['a template that writes without end', template('{{ repeat 20000000 "xx" }}'), ['EXPRESSION_FAILED']],
  ])('%s ends with an error', async (_name, request, codes) => {
    const outcome = await engine.evaluate(request);
    expect(outcome.ok).toBe(false);
    if (!outcome.ok) expect(codes).toContain(outcome.code);
    expect(await engine.evaluate(lua('return event.a == 1'))).toMatchObject({ ok: true });
  });

  it.each([
    'os.execute("id")',
    'os.getenv("PATH")',
    'os.exit(1)',
    'io.open("/etc/passwd")',
    'io.popen("id")',
    'dofile("/tmp/x.lua")',
    'loadfile("/tmp/x.lua")',
    'require("os")',
    'debug.getinfo(1)',
    'package.loadlib("x", "y")',
  ])('Lua cannot reach the host: %s', async (script) => {
    const outcome = await engine.evaluate(lua(script));
    expect(outcome).toMatchObject({ ok: false, code: 'EXPRESSION_FAILED' });
    if (!outcome.ok) expect(outcome.message).toContain('is not available');
  });

  it.each(['{{ env "PATH" }}', '{{ expandenv "$PATH" }}', '{{ getHostByName "localhost" }}'])(
    'a template cannot reach the host: %s',
    async (text) => {
      expect(await engine.evaluate(template(text))).toMatchObject({ ok: false, code: 'EXPRESSION_INVALID' });
    },
  );

  it.each(['sprig.env("PATH") == ""', 'sprig.getHostByName("localhost") == ""'])(
    'a source filter cannot reach the host: %s',
    async (expression) => {
      expect(await engine.evaluate({ kind: 'expr', expression, data })).toMatchObject({ ok: false });
    },
  );

  it.each(['{a: env}', '{a: $ENV}'])('jq sees an empty environment: %s', async (program) => {
    expect(await engine.evaluate(jq(program))).toEqual({ ok: true, value: { a: {} } });
  });
});

describe('the engine', () => {
  it('gives every other event of a batch its answer when one evaluation overruns or dies', async () => {
    const engine = createExpressionEngine({ timeLimitMs: 1_000, maxMemoryMb: 128, threads: 1 });
    const overruns = lua('return ("a"):rep(40):find(("a?"):rep(40) .. ("a"):rep(41))');
    const dies = template('{{ range until 1000000000 }}{{ end }}');
    const numbers = [...Array(20).keys()];
    const batch = numbers.map((n) => (n === 5 ? overruns : n === 11 ? dies : jq(`{n: (.a + ${n})} | select(true)`)));
    const outcomes = await Promise.all(batch.map((request) => engine.evaluate(request)));
    outcomes.forEach((outcome, n) => {
      if (n === 5) expect(outcome).toMatchObject({ ok: false, code: 'EXPRESSION_TIMED_OUT' });
      else if (n === 11) expect(outcome).toMatchObject({ ok: false });
      else expect(outcome).toEqual({ ok: true, value: { n: n + 1 } });
    });
    await engine.close();
  });

  it('rejects what is outstanding when it is closed, and what comes after', async () => {
    const engine = createExpressionEngine();
    const outstanding = engine.evaluate(lua('while true do end'));
    const rejected = expect(outstanding).rejects.toMatchObject({ name: 'SluiceError', code: 'EXPRESSION_FAILED' });
    await engine.close();
    await rejected;
    await expect(engine.evaluate(lua('return true'))).rejects.toMatchObject({ code: 'EXPRESSION_FAILED' });
    await engine.close();
  });

  it('says how to build the module when it is not there', async () => {
    const engine = createExpressionEngine({ modulePath: '/nowhere/expressions.wasm' });
    await expect(engine.evaluate(lua('return true'))).rejects.toMatchObject({ code: 'EXPRESSION_ENGINE_MISSING' });
    await expect(engine.evaluate(lua('return true'))).rejects.toHaveProperty(
      'fix',
      expect.stringContaining('npm run build:expressions'),
    );
    await engine.close();
  });

  it('does not change the data it is given, and decodes shared data once for all', async () => {
    const engine = createExpressionEngine();
    const shared: JsonValue = { list: [1, { deep: true }] };
    const copy = structuredClone(shared);
    const scripts = ['event.list = nil; return true', 'return event.list ~= nil'];
    const outcomes = await Promise.all(
      scripts.map((script) => engine.evaluate({ kind: 'luaFilter', script, data: shared })),
    );
    expect(outcomes).toEqual(scripts.map(() => ({ ok: true, value: { passed: true, found: 'true' } })));
    expect(shared).toEqual(copy);
    await engine.close();
  });

  it('takes JSON that is deep, large, or full of odd characters', async () => {
    const engine = createExpressionEngine();
    const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}1${']'.repeat(depth)}`) as JsonValue;
    const odd = '\u0000\u001f"\\/\b\f\n\r\t\u2028é𝄞\ud800';
    const answers = await Promise.all([
      engine.evaluate({ kind: 'jq', program: '{n: ([.deep | .. ] | length)}', data: { deep: nested(1_000) } }),
      engine.evaluate({ kind: 'jq', program: '{n: (.big | length)}', data: { big: 'x'.repeat(2_000_000) } }),
      engine.evaluate({ kind: 'jq', program: '{odd}', data: { odd } }),
      engine.evaluate({ kind: 'jq', program: '{}', data: { deep: nested(1_000_000) } }),
    ]);
    expect(answers).toEqual([
      { ok: true, value: { n: 1_001 } },
      { ok: true, value: { n: 2_000_000 } },
      { ok: true, value: { odd: odd.replace('\ud800', '\ufffd') } },
      expect.objectContaining({ ok: false, code: 'EXPRESSION_FAILED' }),
    ]);
    await engine.close();
  });
});
