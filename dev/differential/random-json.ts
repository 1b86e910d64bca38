/** JSON documents, paths and expressions for the differential tests: few names, so that paths often meet something. */
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/event/json';

const KEYS = ['a', 'b', 'eo:cloud_cover', 'with.dot', '0', '1', 'list', 'x-y', 'x_y', 'é', 'größe', '', 'A'];
const TEXTS = [
  '',
  'a',
  'true',
  'T',
  '1',
  '-3.5',
  '1e3',
  '.5',
  'inf',
  '0x1p-2',
  '007',
  '<no value>',
  '{{',
  'S2A_MSIL2A',
  'é\n<&>',
  '𝄞',
];
const NUMBERS = [
  0,
  1,
  -1,
  2.5,
  3.14,
  1e21,
  1.5e-7,
  1e-6,
  123456,
  1234567,
  12345678,
  0.0001,
  0.00001,
  1e15,
  2 ** 53,
  -1e300,
];

export const keys = fc.constantFrom(...KEYS);
export const texts = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 6 }));
export const scalars: fc.Arbitrary<JsonValue> = fc.oneof(
  texts,
  fc.constantFrom(...NUMBERS),
  fc.integer({ min: -1000, max: 1000 }),
  fc.boolean(),
  fc.constant(null),
);

const { value, object } = fc.letrec<{ value: JsonValue; object: JsonObject; list: JsonValue[] }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalars, tie('object'), tie('list')),
  object: fc.dictionary(keys, tie('value'), { maxKeys: 5 }),
  list: fc.array(tie('value'), { maxLength: 4 }),
}));
export const values = value;
export const objects = object;

const pathPieces = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'eo:cloud_cover', 'with\\.dot', '0', '1', 'list', 'x-y', 'x_y') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('#', '*', '-1', '01', '', ':1', '@this', 'é', '5', '\\', '#(a==1)', 'a|b', '$', '~true'),
  },
);
export const paths = fc.array(pathPieces, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('.'));
