/** Reference: argo-events.md 1.3. */
import { dataOf } from '../../src/event/event-data';
import type { JsonValue } from '../../src/event/json';
import { createExpressionEngine } from '../../src/expressions';
import { transformEvent } from '../../src/matching/transforms';
import { base64, dependencyWith, eventWith } from './evaluation-samples';

const engine = createExpressionEngine();
afterAll(() => engine.close());

const transform = (data: JsonValue | undefined, by: { jq?: string; script?: string }) =>
  transformEvent(eventWith({ data }), dependencyWith({ transform: by }), engine);

describe('a jq transform', () => {
  it.each<[string, string, JsonValue, JsonValue]>([
    ['replaces the data', '{id: .a.b}', { a: { b: 1 } }, { id: 1 }],
    ['returns the same through the module', '. as $all | {id: $all.a.b}', { a: { b: 1 } }, { id: 1 }],
    ['takes the first output only', '{a: 1}, {a: 2}', {}, { a: 1 }],
    ['takes the first output even if a later one fails', '{a: 1}, error("late")', {}, { a: 1 }],
    ['computes with floating point numbers', '{a: (.n + 1)}', { n: 2 ** 53 }, { a: 2 ** 53 }],
    [
      'reads numbers of every form inside text',
      '.body as $b | {x: ($b | fromjson)}',
      { body: '[7,12.345678901234567,0.30000000000000004,1e+21]' },
      { x: [7, 12.345678901234567, 0.30000000000000004, 1e21] },
    ],
    ['computes with numbers from text', '{n: (.a | fromjson | . + 1)}', { a: '41' }, { n: 42 }],
    ['reads text in base64', '.a |= (@base64d | fromjson)', { a: 'eyJuIjo3fQ==' }, { a: { n: 7 } }],
    ['returns numbers beyond 2^53', '{n: (.a * 3)}', { a: 2 ** 60 }, { n: 3 * 2 ** 60 }],
    ['treats null as an object without members', '{a: .b, k: keys}', null, { a: null, k: [] }],
    ['reads JSON inside text', '.body |= fromjson', { body: '{"x":[1]}' }, { body: { x: [1] } }],
    [
      'escapes keys with a colon',
      '{c: .properties."eo:cloud_cover"}',
      { properties: { 'eo:cloud_cover': 9.5 } },
      { c: 9.5 },
    ],
  ])('%s', async (_name, jq, data, expected) => {
    expect(await transform(data, { jq })).toMatchObject({
      outcome: 'changed',
      clause: 'transform.jq',
      event: { data: expected },
    });
  });

  it('keeps the digits of numbers inside text, as gojq does', async () => {
    const body = '[7,10.00,12.345678901234567,1e-3,-0.5E+2,12345678901234567890]';
    const result = await transform({ body }, { jq: '{x: (.body | fromjson)}' });
    const data = result.outcome === 'changed' ? dataOf(result.event) : undefined;
    expect(data).toMatchObject({ kind: 'json', value: { text: `{"x":${body}}` } });
  });

  it.each<[string, string, JsonValue, string]>([
    ['returns no object', '.a', { a: 1 }, 'EXPRESSION_FAILED'],
    ['returns nothing', 'empty', {}, 'EXPRESSION_FAILED'],
    ['returns null', '.missing', {}, 'EXPRESSION_FAILED'],
    ['fails', '.a.b', { a: 'text' }, 'EXPRESSION_FAILED'],
    ['does not compile', '.a |', {}, 'EXPRESSION_INVALID'],
    ['returns a value that JSON cannot hold', '{a: nan}', {}, 'EXPRESSION_FAILED'],
    ['has an array as the root', '{a: .[0]}', [1], 'EXPRESSION_FAILED'],
    ['has a string as the root', '{a: .}', 'x', 'EXPRESSION_FAILED'],
  ])('that %s fails the event', async (_name, jq, data, code) => {
    expect(await transform(data, { jq })).toMatchObject({
      outcome: 'failed',
      clause: 'transform.jq',
      failure: { code },
    });
  });
});

describe('a Lua transform', () => {
  it('treats null as a table without members', async () => {
    const outcome = await transform(null, { script: 'event.n = 1; return event' });
    expect(outcome).toMatchObject({ outcome: 'changed', event: { data: { n: 1 } } });
  });

  it.each<[string, string, JsonValue, JsonValue]>([
    ['changes the event', 'event.x = event.a + 1; return event', { a: 1 }, { a: 1, x: 2 }],
    ['does not see null members', 'event.seen = (event.a ~= nil); return event', { a: null }, { seen: false }],
    ['sees lists from 1', 'return { first = event.l[1] }', { l: ['x', 'y'] }, { first: 'x' }],
    [
      'does not see nested lists and nulls in lists',
      'return event',
      { l: [1, [2], null, 'x', { y: [3] }, true] },
      { l: [1, 'x', { y: [3] }, true] },
    ],
    [
      'returns a list for a table with integer keys',
      'return { l = { [1] = "a", [2] = "b", key = "lost" } }',
      {},
      { l: ['a', 'b'] },
    ],
    ['returns null for a gap in a list', 'return { l = { [1] = "a", [3] = "c" } }', {}, { l: ['a', null, 'c'] }],
    ['returns an object for an empty table', 'return { e = {} }', {}, { e: {} }],
    [
      'returns a list for a table that is marked as one',
      'return { e = setmetatable({}, { __is_array = true }) }',
      {},
      { e: [] },
    ],
    [
      'writes keys as text',
      'return { o = { [0] = "zero", [1.5] = "half" } }',
      {},
      { o: { '0': 'zero', '1.5': 'half' } },
    ],
    ['may return a list as the data', 'return { "a", "b" }', {}, ['a', 'b']],
    ['may read the clock', 'return { ok = os.time() > 1000000 and #os.date() > 0 }', {}, { ok: true }],
  ])('%s', async (_name, script, data, expected) => {
    expect(await transform(data, { script })).toMatchObject({
      outcome: 'changed',
      clause: 'transform.script',
      event: { data: expected },
    });
  });

  it.each<[string, string, JsonValue]>([
    ['returns no table', 'return 1', {}],
    ['returns nothing', 'local x = 1', {}],
    ['fails', 'error("no")', {}],
    ['returns a function', 'return { f = print }', {}],
    ['has an array as the root', 'return event', [1]],
  ])('that %s fails the event', async (_name, script, data) => {
    expect(await transform(data, { script })).toMatchObject({ outcome: 'failed', clause: 'transform.script' });
  });
});

describe('a transform', () => {
  it('leaves an event without data as it is', async () => {
    const event = eventWith({ data: undefined });
    expect(await transformEvent(event, dependencyWith({ transform: { jq: '{}' } }), engine)).toEqual({
      outcome: 'unchanged',
      event,
    });
  });

  it('prefers jq if a script is set too', async () => {
    expect(await transform({}, { jq: '{by: "jq"}', script: 'return { by = "lua" }' })).toMatchObject({
      event: { data: { by: 'jq' } },
    });
  });

  it('sets the content type to JSON, and keeps the context', async () => {
    const event = eventWith({ data: undefined, data_base64: base64('{"a":1}'), datacontenttype: 'text/plain' });
    const result = await transformEvent(event, dependencyWith({ transform: { jq: '.b = 2' } }), engine);
    const expected = eventWith({ data: { a: 1, b: 2 } });
    expect(result).toEqual({ outcome: 'changed', clause: 'transform.jq', event: expected });
  });

  it('fails on data that is not JSON', async () => {
    const event = eventWith({ data: undefined, data_base64: base64('plain'), datacontenttype: 'text/plain' });
    const result = await transformEvent(event, dependencyWith({ transform: { jq: '.' } }), engine);
    expect(result).toMatchObject({ outcome: 'failed', failure: { code: 'EVENT_UNDECODABLE' } });
  });

  it('does not change its input event', async () => {
    const event = eventWith({ data: { a: { b: 1 }, l: [1] } });
    const before = structuredClone(event);
    for (const jq of ['.a.b = 2', 'del(.a.b)', '.l[0] |= . + 1', '. as $x | .a.b = 3']) {
      await transformEvent(event, dependencyWith({ transform: { jq } }), engine);
    }
    expect(event).toEqual(before);
  });
});
