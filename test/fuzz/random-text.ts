/** Texts and documents that programs stumble over. */
import fc from 'fast-check';
import type { JsonValue } from '../../src/event/json';

export const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '0',
    '-1',
    '1e400',
    'NaN',
    'null',
    'true',
    '~',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
  ],
  ...[
    '\u0000',
    '\ufeff',
    '\u202e',
    '\ud800',
    '👩‍🚀',
    'é',
    '../../etc/passwd',
    '%00',
    '%',
    '${x}',
    '{{',
    '}}',
    '{{.Input}}',
  ],
  ...['*', '&a', '!!binary', '|', '>', '- ', ': ', '#', '---', '...', "'", '"', '\\', '\n', '\r\n', '\t', '-', '--'],
  ...['9007199254740993', '1'.repeat(400), 'x'.repeat(5_000), '(a+)+$', '[', '(', '?', 'a && ', '||', '!', '.', '..'],
  ...[
    '2026-01-31T12:00:00Z',
    '1s',
    '9999999h',
    '-5m',
    '1.5.6',
    '0x10',
    '1647495121754-0',
    'a/b/c',
    '@',
    '@this|@pretty',
  ],
];

export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);

/** As deep as what passes the first look at foreign JSON; what is deeper is there as text only. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 20, arbitrary: fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }) as fc.Arbitrary<JsonValue> },
  { weight: 4, arbitrary: fc.dictionary(anyText, fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<JsonValue> },
  { weight: 2, arbitrary: anyText },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }).map((depth) => nested(depth)) },
  { weight: 1, arbitrary: fc.constantFrom(500, 990).map((depth) => nested(depth)) },
);

function nested(depth: number): JsonValue {
  let value: JsonValue = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** A text with pieces cut out, doubled or replaced. */
export function mutated(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({ at: fc.nat(), length: fc.nat({ max: 12 }), insert: fc.option(anyText, { nil: '' }) });
  return fc.tuple(texts, fc.array(edit, { minLength: 0, maxLength: 4 })).map(([text, edits]) => {
    let result = text;
    for (const { at, length, insert } of edits) {
      const from = result.length === 0 ? 0 : at % result.length;
      result = result.slice(0, from) + insert + result.slice(from + length);
    }
    return result;
  });
}

/** A document of which some part is replaced, renamed or removed. */
export function mutatedJson(documents: readonly JsonValue[]): fc.Arbitrary<JsonValue> {
  const change = fc.record({
    place: fc.nat(),
    value: anyJson,
    how: fc.constantFrom('replace', 'remove', 'rename', 'none'),
  });
  return fc.tuple(fc.constantFrom(...documents), fc.array(change, { maxLength: 3 })).map(([document, changes]) => {
    let result = structuredClone(document);
    for (const { place, value, how } of changes) {
      const places = placesOf(result);
      const chosen = places[place % Math.max(1, places.length)];
      if (chosen === undefined) result = value;
      else if (how !== 'none') chosen(how, value);
    }
    return result;
  });
}

type Change = (how: 'replace' | 'remove' | 'rename', value: JsonValue) => void;

function placesOf(root: JsonValue): Change[] {
  const places: Change[] = [];
  const open: JsonValue[] = [root];
  for (let holder = open.pop(); holder !== undefined && places.length < 500; holder = open.pop()) {
    if (holder === null || typeof holder !== 'object') continue;
    const target = holder as Record<string, JsonValue>;
    for (const [key, child] of Object.entries(target)) {
      places.push((how, value) => {
        if (how !== 'replace') delete target[key];
        if (how === 'rename') target[`${key}x`] = child;
        if (how === 'replace') target[key] = value;
      });
      open.push(child);
    }
  }
  return places;
}

/** A document as JSON, or what is far deeper than programs bear. */
export function asText(documents: fc.Arbitrary<JsonValue>): fc.Arbitrary<string> {
  const deep = fc.constantFrom(5_000, 60_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth));
  return fc.oneof({ weight: 30, arbitrary: documents.map((document) => JSON.stringify(document)) }, deep);
}
