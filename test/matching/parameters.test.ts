/** Reference: argo-events.md 1.8 and 4.1. */
import type { CloudEvent } from '../../src/event/cloud-event';
import type { JsonObject, JsonValue } from '../../src/event/json';
import { textOf } from '../../src/event/json-text';
import { createExpressionEngine } from '../../src/expressions';
import type { TriggerParameter, TriggerParameterSource } from '../../src/manifest/parameters';
import { applyParameters, buildPayload, setValues } from '../../src/matching/parameters';
import { resolveValue } from '../../src/matching/resolve-value';
import { base64, eventWith } from './evaluation-samples';

const engine = createExpressionEngine();
afterAll(() => engine.close());

const data: JsonValue = {
  text: 'x', number: 100, big: 12345678, fraction: 3.14, yes: true, none: null, empty: '',
  list: [1, 'two'], object: { b: 1 }, items: [{ n: 'a', v: 1 }, { n: 'b', v: 2 }],
}; // prettier-ignore
const events: Record<string, CloudEvent> = { dep: eventWith({ data }) };
const from = (source: Partial<TriggerParameterSource>): TriggerParameterSource => ({
  dependencyName: 'dep',
  ...source,
});
const to = (
  dest: string,
  source: Partial<TriggerParameterSource>,
  operation?: TriggerParameter['operation'],
): TriggerParameter => ({
  src: from(source),
  dest,
  operation,
});

describe('the value of a parameter', () => {
  it.each<[string, Partial<TriggerParameterSource>, string, string]>([
    ['comes from a key', { dataKey: 'text' }, 'x', 'String'],
    ['keeps the type of a number', { dataKey: 'fraction' }, '3.14', 'Number'],
    ['is the JSON of an object', { dataKey: 'object' }, '{"b":1}', 'JSON'],
    ['is the string null for null', { dataKey: 'none' }, 'null', 'Null'],
    ['may be an empty string', { dataKey: 'empty' }, '', 'String'],
    ['comes from a query', { dataKey: 'items.#(n=="b").v' }, '2', 'Number'],
    ['comes from a count', { dataKey: 'items.#' }, '2', 'Number'],
    ['comes from a template', { dataTemplate: '{{ .Input.text | upper }}-{{ .Input.number }}' }, 'X-100', 'String'],
    ['prints numbers of a template as Go does', { dataTemplate: '{{ .Input.big }}' }, '1.2345678e+07', 'String'],
    ['prints objects of a template as Go does', { dataTemplate: '{{ .Input.object }}' }, 'map[b:1]', 'String'],
    ['prefers the template to the key', { dataTemplate: 't', dataKey: 'text' }, 't', 'String'],
    [
      'falls back from an empty template to the key',
      { dataTemplate: '{{ .Input.missing }}', dataKey: 'text' },
      'x',
      'String',
    ],
    [
      'falls back from a failing template to the key',
      { dataTemplate: '{{ fail "no" }}', dataKey: 'number' },
      '100',
      'Number',
    ],
    ['falls back from a missing key to the default', { dataKey: 'missing', value: 'd' }, 'd', 'String'],
    ['falls back from a template to the default', { dataTemplate: '{{ .Input.missing }}', value: 'd' }, 'd', 'String'],
    ['is the default if nothing is selected', { value: 'd' }, 'd', 'String'],
    ['comes from the context', { contextKey: 'source' }, 'stac', 'String'],
    ['has the time in whole seconds', { contextKey: 'time' }, '2026-01-02T03:04:05Z', 'String'],
    [
      'comes from a template over the context',
      { contextTemplate: '{{ .Input.subject }}/{{ .Input.id }}' },
      'items/e1',
      'String',
    ],
    ['prefers the data to the context', { contextKey: 'source', dataKey: 'text' }, 'x', 'String'],
    [
      'ignores the context if data is selected',
      { contextKey: 'source', dataKey: 'missing', value: 'd' },
      'd',
      'String',
    ],
  ])('%s', async (_name, source, text, type) => {
    expect(await resolveValue(from(source), events, engine)).toMatchObject({ text, type });
  });

  it('is the whole event if nothing is selected: context, and the data in base64', async () => {
    const value = await resolveValue(from({}), events, engine);
    const context = {
      id: 'e1', source: 'stac', specversion: '1.0', type: 'redis', datacontenttype: 'application/json',
      subject: 'items', time: '2026-01-02T03:04:05Z',
    }; // prettier-ignore
    expect(value).toEqual({ type: 'String', text: JSON.stringify({ context, data: base64(JSON.stringify(data)) }) });
  });

  it('does not exist, or is the default, if the dependency has no event in this fire', async () => {
    expect(await resolveValue({ dependencyName: 'other', dataKey: 'text' }, events, engine)).toBeUndefined();
    expect(await resolveValue({ dependencyName: 'toString', dataKey: 'text' }, events, engine)).toBeUndefined();
    const source = { dependencyName: 'other', dataKey: 'text', value: 'd' };
    expect(await resolveValue(source, events, engine)).toEqual({ text: 'd', type: 'String' });
  });

  it('reads YAML content, and rejects other content', async () => {
    const yaml = eventWith({
      data: undefined,
      data_base64: base64('a:\n  b: [1, yes]'),
      datacontenttype: 'application/yaml',
    });
    expect(await resolveValue(from({ dataKey: 'a.b' }), { dep: yaml }, engine)).toMatchObject({ json: [1, true] });
    const plain = eventWith({ data: undefined, data_base64: base64('plain'), datacontenttype: 'text/plain' });
    await expect(resolveValue(from({ dataKey: 'a' }), { dep: plain }, engine)).rejects.toMatchObject({
      code: 'SENSOR_PARAMETER_UNRESOLVED',
    });
    expect(await resolveValue(from({ dataKey: 'a', value: 'd' }), { dep: plain }, engine)).toMatchObject({ text: 'd' });
  });
});

describe('parameters applied to a document', () => {
  const document: JsonObject = {
    a: { b: 'old' },
    list: ['x', 'y'],
    n: 5,
    items: [
      { n: 'a', v: 0 },
      { n: 'b', v: 0 },
    ],
  };

  it.each<[string, TriggerParameter[], JsonObject]>([
    ['write text', [to('a.b', { dataKey: 'text' })], { a: { b: 'x' } }],
    ['write numbers as text', [to('n', { dataKey: 'number' })], { n: '100' }],
    ['write objects as text of their JSON', [to('n', { dataKey: 'object' })], { n: '{"b":1}' }],
    ['write null as text', [to('n', { dataKey: 'none' })], { n: 'null' }],
    ['write raw data if asked to', [to('n', { dataKey: 'number', useRawData: true })], { n: 100 }],
    ['write raw objects', [to('n', { dataKey: 'object', useRawData: true })], { n: { b: 1 } }],
    ['write raw null', [to('n', { dataKey: 'none', useRawData: true })], { n: null }],
    ['write raw results of queries', [to('n', { dataKey: 'items.#.v', useRawData: true })], { n: [1, 2] }],
    ['write text as text, also raw', [to('n', { dataKey: 'text', useRawData: true })], { n: 'x' }],
    [
      'write templates as text, also raw',
      [to('n', { dataTemplate: '{{ .Input.number }}', useRawData: true })],
      { n: '100' },
    ],
    ['write defaults as text, also raw', [to('n', { value: '5', useRawData: true })], { n: '5' }],
    ['append text', [to('a.b', { dataKey: 'text' }, 'append')], { a: { b: 'oldx' } }],
    ['prepend text', [to('a.b', { dataKey: 'text' }, 'prepend')], { a: { b: 'xold' } }],
    ['overwrite', [to('a.b', { dataKey: 'text' }, 'overwrite')], { a: { b: 'x' } }],
    ['append to a non-string as to a string', [to('list', { dataKey: 'text' }, 'append')], { list: '["x","y"]x' }],
    [
      'append to a missing value by setting it',
      [to('new', { dataKey: 'number', useRawData: true }, 'append')],
      { new: 100 },
    ],
    [
      'append to a query',
      [to('items.#(n=="b").n', { dataKey: 'text' }, 'append')],
      { items: [{ n: 'a' }, { n: 'bx' }] },
    ],
    ['append a list element', [to('list.-1', { dataKey: 'text' })], { list: ['x', 'y', 'x'] }],
    ['pad a list', [to('list.3', { dataKey: 'text' })], { list: ['x', 'y', null, 'x'] }],
    ['create what is missing', [to('new.0.deep', { dataKey: 'text' })], { new: [{ deep: 'x' }] }],
    ['force an object key', [to('new.:1', { dataKey: 'text' })], { new: { '1': 'x' } }],
    ['escape dots in keys', [to('a.with\\.dot', { dataKey: 'text' })], { a: { 'with.dot': 'x' } }],
    ['replace a scalar in the way', [to('n.deep', { dataKey: 'text' })], { n: { deep: 'x' } }],
    ['update what a query finds', [to('items.#(n=="b").v', { dataKey: 'text' })], { items: [{ v: 0 }, { v: 'x' }] }],
    ['ignore a query that finds nothing', [to('items.#(n=="z").v', { dataKey: 'text' })], document],
    [
      'see the results of earlier parameters',
      [to('a.b', { dataKey: 'text' }), to('a.b', { dataKey: 'number' }, 'append')],
      { a: { b: 'x100' } },
    ],
    [
      'skip a dependency without event',
      [{ src: { dependencyName: 'other', dataKey: 'text' }, dest: 'n' }, to('a.b', { dataKey: 'text' })],
      { n: 5, a: { b: 'x' } },
    ],
  ])('%s', async (_name, parameters, expected) => {
    const before = structuredClone(document);
    expect(await applyParameters(document, parameters, events, engine)).toMatchObject(expected);
    expect(document).toEqual(before);
  });

  it.each<[string, TriggerParameter]>([
    ['no value and no default', to('n', { dataKey: 'missing' })],
    ['a template without value', to('n', { dataTemplate: '{{ .Input.missing }}' })],
    ['a name as a list index', to('list.name', { dataKey: 'text' })],
    ['an empty destination', to('', { dataKey: 'text' })],
  ])('name the parameter in the error: %s', async (_name, parameter) => {
    const fine = to('a.b', { dataKey: 'text' });
    await expect(applyParameters(document, [fine, parameter], events, engine)).rejects.toMatchObject({
      code: 'SENSOR_PARAMETER_UNRESOLVED',
      context: { parameter: 1, dependency: 'dep', dest: parameter.dest },
    });
  });
});

describe('a payload', () => {
  it('is built from an empty document, for any operation', async () => {
    const parameters = [
      to('a.b', { dataKey: 'text' }),
      to('a.b', { dataKey: 'number' }, 'append'),
      to('l.1', { dataKey: 'list', useRawData: true }),
    ];
    expect(await buildPayload(parameters, events, engine)).toEqual({ a: { b: '100' }, l: [null, [1, 'two']] });
  });

  it('is the value itself, as text, if dest is empty', async () => {
    const parameters = [to('a', { dataKey: 'text' }), to('', { dataKey: 'object' }), to('b', { dataKey: 'text' })];
    expect(await buildPayload(parameters, events, engine)).toBe('{"b":1}');
  });

  it('ignores parameters after one with an empty dest and a value', async () => {
    const unresolvable = to('b', { dataKey: 'missing' });
    expect(await buildPayload([to('', { dataKey: 'text' }), unresolvable], events, engine)).toBe('x');
    const absent = { src: { dependencyName: 'other', dataKey: 'text' }, dest: '' };
    expect(await buildPayload([absent, to('b', { dataKey: 'text' })], events, engine)).toEqual({ b: 'x' });
    const byDefault = { src: { dependencyName: 'other', dataKey: 'text', value: 'D' }, dest: '' };
    expect(await buildPayload([byDefault, unresolvable], events, engine)).toBe('D');
    await expect(buildPayload([unresolvable, to('', { dataKey: 'text' })], events, engine)).rejects.toMatchObject({
      code: 'SENSOR_PARAMETER_UNRESOLVED',
    });
  });

  it('is rejected if its values together exceed every size limit', async () => {
    const large = { scene: eventWith({ data: { big: ['x'.repeat(1_000_000)] } }) };
    const parameters = Array.from({ length: 20 }, (_none, n) => ({
      src: { dependencyName: 'scene', dataKey: 'big' },
      dest: `p${n}`,
    }));
    await expect(buildPayload(parameters, large, engine)).rejects.toMatchObject({
      code: 'SENSOR_PARAMETER_UNRESOLVED',
      message: expect.stringContaining('together') as string,
    });
  });

  it('skips a dependency without event, on which Argo Events crashes', async () => {
    const missing = { src: { dependencyName: 'other', dataKey: 'text' }, dest: 'a' };
    expect(await buildPayload([missing, to('b', { dataKey: 'text' })], events, engine)).toEqual({ b: 'x' });
    expect(await buildPayload([missing], events, engine)).toBeUndefined();
    expect(await buildPayload([], events, engine)).toBeUndefined();
  });

  it('may be a list, and may start with syntax that only sjson supports', async () => {
    expect(await buildPayload([to('0.a', { dataKey: 'text' })], events, engine)).toEqual([{ a: 'x' }]);
    expect(await buildPayload([to(':0', { dataKey: 'text' })], events, engine)).toEqual({ '0': 'x' });
  });
});

describe('values that an operator sets', () => {
  it.each<[string, Record<string, JsonValue>, JsonValue]>([
    ['strings as strings', { 'spec.size': '3' }, { spec: { size: '3' } }],
    ['numbers as numbers', { 'spec.size': 3 }, { spec: { size: 3 } }],
    [
      'booleans, null and objects as JSON',
      { 'spec.on': true, no: null, l: [{ a: 1 }] },
      { spec: { size: 1, on: true }, no: null, l: [{ a: 1 }] },
    ],
    ['with or without an event, for a name that a dependency might have', { dep: 1 }, { spec: { size: 1 }, dep: 1 }],
  ])('are written: %s', async (_what, values, expected) => {
    expect(await setValues({ spec: { size: 1 } }, values, engine)).toEqual(expected);
  });

  it('are written by paths that only sjson supports, after existing values', async () => {
    const written = await setValues({ spec: { size: 1 } }, { 'spec.:0': 3 }, engine);
    expect(textOf(written)).toBe('{"spec":{"size":1,"0":3}}');
  });

  it('are rejected with their path if they cannot be written', async () => {
    await expect(setValues({ spec: 1 }, { '': 'x' }, engine)).rejects.toMatchObject({
      code: 'SENSOR_PARAMETER_UNRESOLVED',
      message: expect.stringContaining('Retriggered with ""') as string,
    });
  });
});
