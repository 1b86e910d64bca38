import { isSluiceError, type SluiceError } from '../../src/errors/sluice-error';
import { MAX_EVENT_DEPTH, MAX_JSON_DEPTH, assertDepth, measureDepth, parseJson, setField } from '../../src/event/json';

const lists = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

function refusal(work: () => unknown): SluiceError {
  try {
    work();
  } catch (error) {
    if (isSluiceError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('JSON from outside', () => {
  it.each([lists, objects])('is accepted up to the depth limit, and rejected beyond it with both numbers', (nested) => {
    expect(measureDepth(parseJson(nested(MAX_JSON_DEPTH)))).toBe(MAX_JSON_DEPTH);
    for (const depth of [MAX_JSON_DEPTH + 1, 5_000, 200_000]) {
      const error = refusal(() => parseJson(nested(depth)));
      expect(error.code).toBe('EVENT_UNDECODABLE');
      expect(error.message).toContain(`${depth} levels`);
      expect(error.message).toContain(`at most ${MAX_JSON_DEPTH}`);
    }
  });

  it('at the depth limit can be written, copied and sent to a thread', () => {
    for (const text of [lists(MAX_JSON_DEPTH), objects(MAX_JSON_DEPTH)]) {
      const value = parseJson(text);
      expect(JSON.stringify(value)).toBe(text);
      expect(measureDepth(structuredClone(value))).toBe(MAX_JSON_DEPTH);
    }
  });

  it('may hold any number of brackets and quotes in its strings', () => {
    const text = `${'['.repeat(3_000)}"\\"${'{'.repeat(3_000)}\\\\`;
    expect(parseJson(JSON.stringify([text, { [text]: text }]))).toEqual([text, { [text]: text }]);
  });

  it('is rejected if most of it is deep, because writing each value takes time for all of its parents', () => {
    const dense = (times: number) => `[${Array.from({ length: times }, () => lists(900)).join(',')}]`;
    const error = refusal(() => parseJson(dense(500)));
    expect(error).toMatchObject({ code: 'EVENT_UNDECODABLE', context: { limit: 18_010_020 } });
    expect(error.message).toContain('their depths add up to 203175001; at most 18010020');
    expect(parseJson(dense(4))).toHaveLength(4);
    const points = `[${Array.from({ length: 20_000 }, () => '[1,2]').join(',')}]`;
    expect(parseJson(`{"features":[{"geometry":{"coordinates":[[${points}]]}}]}`)).toBeDefined();
  });

  it('is rejected with more members or names than can be read without blocking all others', () => {
    const members = (count: number, name: (index: number) => string) =>
      `{${Array.from({ length: count }, (_, index) => `"${name(index)}" :${index % 10}`).join(',')}}`;
    expect(refusal(() => parseJson(members(500_001, () => 'a'))).message).toBe(
      'JSON has too many members, lists and objects: at most 500000 are accepted',
    );
    expect(refusal(() => parseJson(members(100_001, (index) => `n${index}`)))).toMatchObject({
      code: 'EVENT_UNDECODABLE',
      message: 'JSON has too many names that differ: at most 100000 are accepted',
      context: { limit: 100_000 },
    });
    expect(refusal(() => parseJson(`[${'{},'.repeat(500_000)}0]`)).message).toContain('members, lists and objects');
    // Texts are no names, and the envelope of an event has room for its own members.
    expect(parseJson(`[${Array.from({ length: 100_001 }, (_, index) => `"n${index}"`).join(',')}]`)).toHaveLength(
      100_001,
    );
    expect(
      parseJson(
        members(100_001, (index) => `n${index}`),
        MAX_EVENT_DEPTH,
      ),
    ).toBeDefined();
  });

  it('may have many siblings', () => {
    expect(parseJson(`[${Array.from({ length: 5_000 }, () => '[{}]').join(',')}]`)).toHaveLength(5_000);
  });

  it.each([
    '',
    '{',
    '{"secret-token": tru}',
    '[1,]',
    '{"a":"\n"}',
    '['.repeat(5_000),
    'undefined',
    `["${'a'.repeat(400_000)}`,
  ])('with a syntax error is rejected without being quoted: %.40j', (text) => {
    const error = refusal(() => parseJson(text));
    expect(error.code).toBe('EVENT_UNDECODABLE');
    expect(error.message).toMatch(/^invalid JSON( at position \d+)?$/);
    expect(error.cause).toBeUndefined();
  });

  it('keeps a key named __proto__', () => {
    const value = parseJson('{"__proto__":{"k":"v"}}');
    expect(JSON.stringify(value)).toBe('{"__proto__":{"k":"v"}}');
    expect((value as Record<string, unknown>).k).toBeUndefined();
  });
});

describe('values made by other means', () => {
  it('are rejected beyond the depth limit, however deep they are', () => {
    const deep: unknown = JSON.parse(objects(200_000));
    expect(refusal(() => assertDepth(deep)).message).toContain('200000 levels');
    expect(() => assertDepth(JSON.parse(objects(MAX_JSON_DEPTH)))).not.toThrow();
  });

  it.each<[unknown, number]>([
    ['text', 0],
    [null, 0],
    [[], 1],
    [{ a: [1], b: { c: [] } }, 3],
  ])('have a depth: %j', (value, depth) => {
    expect(measureDepth(value)).toBe(depth);
  });

  it('can be given a field of any name', () => {
    const target: Record<string, string> = {};
    for (const name of ['__proto__', 'constructor', 'a']) setField(target, name, name);
    expect(JSON.stringify(target)).toBe('{"__proto__":"__proto__","constructor":"constructor","a":"a"}');
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
  });
});
