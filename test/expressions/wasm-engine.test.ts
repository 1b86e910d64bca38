/** What a script can do to the engine: nothing. */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { JsonValue } from '../../src/event/json';
import { createExpressionEngine } from '../../src/expressions';
import type { ExpressionEngine, ExpressionRequest } from '../../src/expressions/engine';

const data: JsonValue = { a: 1, list: [1, 2], text: 'x' };
const lua = (script: string): ExpressionRequest => ({ kind: 'luaFilter', script, data });
const jq = (program: string): ExpressionRequest => ({ kind: 'jq', program, data });
const template = (text: string): ExpressionRequest => ({ kind: 'template', template: text, input: data });

/** CPU time that no evaluation of these tests needs, however busy the machine: what ends it is another limit. */
const UNHURRIED_MS = 60_000;

describe('a harmful expression', () => {
  let engine: ExpressionEngine;
  let unhurried: ExpressionEngine;
  beforeAll(() => {
    engine = createExpressionEngine({ timeLimitMs: 400, maxMemoryMb: 128 });
    unhurried = createExpressionEngine({ timeLimitMs: UNHURRIED_MS, maxMemoryMb: 128 });
  });
  afterAll(() => Promise.all([engine.close(), unhurried.close()]));

  it.each<[string, ExpressionRequest]>([
    ['a Lua script that loops for ever', lua('while true do end')],
    ['a Lua coroutine that loops for ever', lua('coroutine.wrap(function() while true do end end)()')],
    ['a Lua script that catches its own end', lua('while true do pcall(function() while true do end end) end')],
    ['a Lua pattern that backtracks', lua('return ("a"):rep(40):find(("a?"):rep(40) .. ("a"):rep(41))')],
    ['a jq program that loops without output', jq('def f: f; f')],
  ])('%s ends at its time limit', async (_name, request) => {
    expect(await engine.evaluate(request)).toMatchObject({ ok: false, code: 'EXPRESSION_TIMED_OUT' });
    expect(await engine.evaluate(lua('return event.a == 1'))).toMatchObject({ ok: true });
  });

  it.each<[string, ExpressionRequest]>([
    ['a Lua script that calls itself', lua('local function f() return 1 + f() end return f()')],
    ['a Lua script that asks for 10 GB at once', lua('return ("x"):rep(1e10)')],
    ['a Lua table that contains itself', { kind: 'luaTransform', script: 'event.me = event; return event', data }],
    ['a template that calls itself', template('{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}')],
    ['a template that writes without end', template('{{ repeat 20000000 "xx" }}')],
  ])('%s ends at the limit of its memory, depth or result', async (_name, request) => {
    expect(await unhurried.evaluate(request)).toMatchObject({ ok: false, code: 'EXPRESSION_FAILED' });
    expect(await unhurried.evaluate(lua('return event.a == 1'))).toMatchObject({ ok: true });
  });

  it.each<[string, ExpressionRequest]>([
    ['a Lua script that allocates for ever', lua('local t = {} while true do t[#t + 1] = {} end')],
    ['a jq program that repeats for ever', jq('[repeat(1)]')],
    ['a jq program that recurses for ever', jq('def f: [f]; f')],
    ['a template that makes a list without end', template('{{ range until 1000000000 }}{{ end }}')],
  ])('%s ends at the first limit it reaches', async (_name, request) => {
    const outcome = await engine.evaluate(request);
    expect(outcome.ok).toBe(false);
    if (!outcome.ok) expect(['EXPRESSION_TIMED_OUT', 'EXPRESSION_FAILED']).toContain(outcome.code);
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
  it('returns the results of the other events of a batch if one evaluation times out or crashes', async () => {
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

  it('keeps serving others immediately during a flood of endless scripts', async () => {
    const shared = createExpressionEngine({ timeLimitMs: 400, maxMemoryMb: 128 });
    const endless = Array.from({ length: 4 }, (_, n) =>
      lua(n % 2 === 0 ? `while true do local n = ${n} end` : `return ${n} .. ("x"):rep(1e10)`),
    );
    // Each is met once.
    await Promise.all(endless.map((request) => shared.evaluate(request)));
    let ended = 0;
    const flood = Promise.all(
      Array.from({ length: 20 }, (_, n) => shared.evaluate(endless[n % 4] ?? jq('.')).then(() => (ended += 1))),
    );
    for (let n = 0; n < 50; n++) {
      expect(await shared.evaluate(lua(`return event.a == 1 and ${n} >= 0`))).toMatchObject({ ok: true });
    }
    expect(ended).toBeLessThan(20);
    await flood;
    await shared.close();
  });

  it('keeps serving others during a flood of new endless scripts', async () => {
    const shared = createExpressionEngine({ timeLimitMs: 400, maxMemoryMb: 128, threads: 1 });
    const [known, met] = [lua('while true do local known end'), lua('while true do local met end')];
    await shared.evaluate(known);
    await shared.evaluate(lua('return true'));
    const first = shared.evaluate(met);
    // The first is with its thread by then; the others wait for what becomes of it.
    await nextTurn();
    let ended = 0;
    const waiting = Array.from({ length: 40 }, () => shared.evaluate(met));
    const slow = Array.from({ length: 6 }, () => shared.evaluate(known).then(() => (ended += 1)));
    const all = Promise.allSettled([first, ...waiting, ...slow]);
    await expect(shared.evaluate(lua('return event.a == 1'))).resolves.toMatchObject({ ok: true });
    expect(ended).toBeLessThan(6);
    await shared.close();
    await all;
  });

  it('keeps a thread for other tenants if one runs many endless programs', async () => {
    let tenant = 'quiet';
    const shared = createExpressionEngine({ timeLimitMs: 400, maxMemoryMb: 128, tenantOf: () => tenant });
    await shared.evaluate(lua('return true'));
    tenant = 'hostile';
    let ended = 0;
    // Half of them end their thread, too.
    const hostile = Array.from({ length: 40 }, (_, n) =>
      shared
        .evaluate(n % 2 === 0 ? lua(`while true do local n = ${n} end`) : lua(`return ${n} .. ("x"):rep(1e10)`))
        .then(() => (ended += 1)),
    );
    await nextTurn();
    tenant = 'quiet';
    for (let n = 0; n < 20; n++) {
      expect(await shared.evaluate(lua(`return event.a == 1 and ${n} >= 0`))).toMatchObject({ ok: true });
    }
    expect(ended).toBeLessThan(20);
    const all = Promise.allSettled(hostile);
    await shared.close();
    await all;
  });

  it('serves the slow programs of one tenant in turn with those of another', async () => {
    let tenant = 'many';
    const shared = createExpressionEngine({ timeLimitMs: 200, maxMemoryMb: 128, tenantOf: () => tenant });
    const order: string[] = [];
    const endless = (n: number): Promise<unknown> => shared.evaluate(lua(`while true do local n = ${n} end`));
    await Promise.all([0, 1, 2, 3, 4, 5].map(endless));
    const many = [0, 1, 2, 3, 4, 5].map((n) => endless(n).then(() => order.push('many')));
    tenant = 'one';
    await endless(5);
    order.push('one');
    await Promise.all(many);
    expect(order.indexOf('one')).toBeLessThan(3);
    await shared.close();
  });

  it('serves slow programs in turn', async () => {
    const shared = createExpressionEngine({ timeLimitMs: 200, maxMemoryMb: 128 });
    const [flooding, rare] = [lua('while true do local a end'), lua('while true do local b end')];
    await Promise.all([flooding, rare].map((request) => shared.evaluate(request)));
    const order: string[] = [];
    const flood = Array.from({ length: 6 }, () => shared.evaluate(flooding).then(() => order.push('flooding')));
    const one = shared.evaluate(rare).then(() => order.push('rare'));
    await Promise.all([...flood, one]);
    expect(order.indexOf('rare')).toBeLessThan(3);
    await shared.close();
  });

  it('returns results that are too large for one message', async () => {
    const engine = createExpressionEngine({ threads: 1, timeLimitMs: UNHURRIED_MS });
    const large = Array.from({ length: 40 }, (_none, n) => template(`{{ repeat 400000 "${n % 10}" }}`));
    const outcomes = await Promise.all(large.map((request) => engine.evaluate(request)));
    outcomes.forEach((outcome, n) => expect(outcome).toEqual({ ok: true, value: `${n % 10}`.repeat(400_000) }));
    await engine.close();
  });

  it('rejects a result that no event can hold, with the reason', async () => {
    const engine = createExpressionEngine({ timeLimitMs: UNHURRIED_MS });
    const outcome = await engine.evaluate(template('{{ repeat 9000000 "x" }}'));
    expect(outcome).toMatchObject({ ok: false, code: 'EXPRESSION_FAILED' });
    if (!outcome.ok) expect(outcome.message).toContain('more than 2 MB');
    const padded = await engine.evaluate({ kind: 'set', path: 'a.9000000', value: '1', isJson: true, document: {} });
    expect(padded).toMatchObject({ ok: false, code: 'EXPRESSION_FAILED' });
    await engine.close();
  });

  it.each<[string, ExpressionRequest]>([
    ['jq', jq('{x: reduce range(1500) as $i (1; [.])}')],
    [
      'fromjson of jq',
      { kind: 'jq', program: '.a |= fromjson', data: { a: `${'['.repeat(6_000)}${']'.repeat(6_000)}` } },
    ],
    ['a Lua script', { kind: 'luaTransform', script: 'for i = 1, 1500 do event = {x = event} end return event', data }],
    ['a parameter', { kind: 'set', path: Array(1_500).fill('a').join('.'), value: '1', isJson: true, document: {} }],
    ['YAML', { kind: 'yaml', text: `${'['.repeat(1_500)}${']'.repeat(1_500)}` }],
  ])('fails a result of %s that is nested too deeply, and only that', async (_name, request) => {
    const engine = createExpressionEngine({ threads: 1, timeLimitMs: UNHURRIED_MS });
    const outcomes = await Promise.all([jq('{n: .a}'), request, jq('{n: .a}')].map((each) => engine.evaluate(each)));
    const good = { ok: true, value: { n: 1 } };
    expect(outcomes).toEqual([good, expect.objectContaining({ ok: false, code: 'EXPRESSION_FAILED' }), good]);
    const failed = outcomes[1];
    if (failed && !failed.ok) expect(failed.message).toMatch(/nested more than 1015 levels deep|exceeded max depth/);
    await engine.close();
  });

  it('gives an expression its whole time limit on a busy machine', async () => {
    const engine = createExpressionEngine({ timeLimitMs: 1_000, threads: 1 });
    await engine.evaluate(jq('{}'));
    const spin = 'const end = Date.now() + 6000; while (Date.now() < end);';
    const hogs = Array.from({ length: 3 * availableParallelism() }, () => new Worker(spin, { eval: true }));
    const outcome = await engine.evaluate(jq('{n: reduce range(50000) as $i (0; . + 1)}'));
    await Promise.all(hogs.map((hog) => hog.terminate()));
    expect(outcome).toEqual({ ok: true, value: { n: 50_000 } });
    await engine.close();
  });

  it('lets the functions for passwords complete', async () => {
    const engine = createExpressionEngine();
    const texts = ['{{ bcrypt "x" }}', '{{ htpasswd "a" "b" }}', '{{ derivePassword 1 "long" "p" "u" "x.org" }}'];
    const outcomes = await Promise.all(texts.map((text) => engine.evaluate(template(text))));
    expect(outcomes).toEqual(texts.map(() => ({ ok: true, value: expect.stringMatching(/^\S{10,}$/) as string })));
    await engine.close();
  });

  it('rejects outstanding and later requests when it is closed', async () => {
    const engine = createExpressionEngine();
    const outstanding = engine.evaluate(lua('while true do end'));
    const rejected = expect(outstanding).rejects.toMatchObject({ name: 'SluiceError', code: 'EXPRESSION_FAILED' });
    await engine.close();
    await rejected;
    await expect(engine.evaluate(lua('return true'))).rejects.toMatchObject({ code: 'EXPRESSION_FAILED' });
    await engine.close();
  });

  it('explains how to build the module if it is missing', async () => {
    const engine = createExpressionEngine({ modulePath: '/nowhere/expressions.wasm' });
    await expect(engine.evaluate(lua('return true'))).rejects.toMatchObject({ code: 'EXPRESSION_ENGINE_MISSING' });
    await expect(engine.evaluate(lua('return true'))).rejects.toHaveProperty(
      'fix',
      expect.stringContaining('npm run build:expressions'),
    );
    await engine.close();
  });

  it('does not change its input, and decodes shared data once', async () => {
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

  it('accepts deep, large and unusual JSON', async () => {
    const engine = createExpressionEngine({ timeLimitMs: UNHURRIED_MS });
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

/** Hostile evaluations of one tenant, and what another tenant's expression returns before, between and after them. */
describe('an expression has no effect beyond its evaluation', () => {
  const expr = (expression: string): ExpressionRequest => ({
    kind: 'expr',
    expression,
    data: { name: 'prod-1', x: 1 },
  });
  const govaluate = (expression: string): ExpressionRequest => ({
    kind: 'govaluate',
    expression,
    fields: [{ name: 'v', path: 'a' }],
    data,
  });

  it.each<[string, ExpressionRequest, readonly ExpressionRequest[]]>([
    [
      'a source filter',
      expr('sprig.hasPrefix("prod-", name) and sprig.trim(" a ") == "a" and len(sprig.list(1, 2)) == 2'),
      [
        expr('sprig.set(sprig, "hasPrefix", sprig.hasSuffix) != nil'),
        expr('sprig.unset(sprig, "trim") != nil'),
        expr('sprig.merge(sprig, {"list": nil}) != nil'),
        expr('sprig.mergeOverwrite(sprig, {"list": sprig.dict}) != nil'),
        expr('sprig.mustMergeOverwrite(sprig, {"trim": "x"}) != nil'),
        expr('$env["sprig"] != nil and sprig.set($env["sprig"], "hasPrefix", 1) != nil'),
        expr('sprig.set($env, "name", "x") != nil'),
        expr('sprig.set({"k": 1}, "k", 2) != nil and sprig.append([1, 2], 3) != nil'),
      ],
    ],
    [
      'a template',
      template(
        '{{ .Input.a }}{{ template "t" . }}{{ define "t" }}{{ .Input.text | upper }}{{ end }}{{ len .Input.list }}',
      ),
      [
        template('{{ $_ := set .Input "text" "evil" }}{{ $_ := unset .Input "list" }}x'),
        template('{{ define "t" }}evil{{ end }}x'),
        template('{{ $_ := mustMergeOverwrite .Input (dict "a" 7) }}{{ $_ := set $ "Input" 1 }}x'),
        template('{{ range $i, $e := .Input.list }}{{ $_ := set $.Input "a" $i }}{{ end }}x'),
      ],
    ],
    [
      'a Lua filter',
      lua(
        'return ("x"):upper() == "X" and string.len("ab") == 2 and evil == nil and tostring(1) == "1" and event.a == 1 and math.floor(1.5) == 1',
      ),
      [
        lua('evil = 1; _G.evil = 1; tostring = nil; string.len = function() return 9 end'),
        lua('getmetatable("").__index = function() return function() return "evil" end end'),
        lua('setmetatable(_G, {__index = function() return 1 end})'),
        lua('math.floor = nil; event.a = 2; rawset(_G, "string", nil)'),
        lua('for name in pairs(_G) do _G[name] = nil end'),
      ],
    ],
    [
      'a jq program',
      jq('def f: . + 1; {a: (.a | f), c: ([1, [2]] | .[1][0] |= f), o: ({k: [1]} | .k[0] = 5), d: {k: [1]}}'),
      [
        jq('def f: 99; {a: f}'),
        jq('{k: [1]} | .k[0] |= 99'),
        jq('reduce range(3) as $i ({k: [1]}; .k += [$i])'),
        jq('[1, [2]] | .[1][0] = 99 | {x: .}'),
        jq('{k: [1]} | del(.k)'),
      ],
    ],
    [
      'a filter expression',
      govaluate('v == 1 && "abc" =~ "^a" && (1 in (1, 2))'),
      [govaluate('v = 2'), govaluate('v in (1, 2, 3)'), govaluate('"abc" =~ "^b"')],
    ],
    [
      'a data filter',
      {
        kind: 'dataFilter',
        filter: { path: 'text', type: 'string', template: '{{ .Input | upper }}', value: ['^X$'] },
        data,
      },
      [
        {
          kind: 'dataFilter',
          filter: { path: 'text', type: 'string', template: '{{ $_ := set . "Input" 1 }}X', value: ['X'] },
          data,
        },
        {
          kind: 'dataFilter',
          filter: { path: '@this|@pretty:{"indent":"evil"}', type: 'string', value: ['evil'] },
          data,
        },
      ],
    ],
  ])('of %s', async (_name, victim, hostile) => {
    const engine = createExpressionEngine({ threads: 1 });
    const expected = await engine.evaluate(victim);
    expect(expected.ok && expected.value).toBeTruthy();
    for (const attack of hostile) {
      await engine.evaluate(attack);
      expect({ attack, victim: await engine.evaluate(victim) }).toEqual({ attack, victim: expected });
    }
    const together = await Promise.all(hostile.flatMap((attack) => [engine.evaluate(attack), engine.evaluate(victim)]));
    for (let index = 1; index < together.length; index += 2) expect(together[index]).toEqual(expected);
    await engine.close();
  });

  it('of the random numbers of Lua', async () => {
    const engine = createExpressionEngine({ threads: 1 });
    const seed: ExpressionRequest = {
      kind: 'luaTransform',
      script: 'math.randomseed(7); return {n = math.random(1, 1000000000)}',
      data,
    };
    const draw: ExpressionRequest = { kind: 'luaTransform', script: 'return {n = math.random(1, 1000000000)}', data };
    const drawn: unknown[] = [];
    for (let round = 0; round < 3; round++) {
      await engine.evaluate(seed);
      const outcome = await engine.evaluate(draw);
      drawn.push(outcome.ok && JSON.stringify(outcome.value));
    }
    expect(new Set(drawn).size).toBe(3);
    expect(await engine.evaluate(seed)).toEqual(await engine.evaluate(seed));
    await engine.close();
  });
});
