/**
 * JSON documents, paths and expressions for the differential tests: few names, so that paths often match. Documents are
 * text, because JavaScript cannot write values that it cannot represent.
 */
import fc from 'fast-check';

const KEYS = ['a', 'b', 'eo:cloud_cover', 'with.dot', '0', '1', 'list', 'x-y', 'x_y', 'é', 'größe', '', 'A'];
const TEXTS = [
  '',
  'a',
  'true',
  'T',
  '1',
  '-3.5',
  '10.00',
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
const NUMBERS = ['0', '1', '-1', '2.5', '3.14', '1e+21', '1.5e-7', '0.000001', '123456', '1234567', '12345678', '0.0001', '0.00001', '1000000000000000', '9007199254740992', '-1e+300']; // prettier-ignore
/** Numbers that JavaScript writes differently, or cannot represent. */
const ODD_NUMBERS = ['9007199254740993', '12345678901234567890', '1719849600123456789', '-9223372036854775808', '10.00', '1.0', '0.10', '-0', '-0.0', '1e3', '1E+2', '1e21', '1e-7', '0.1234567890123456789', '123456789012345678901234567890', '12345678901234567890.5', '1e400', '-1e400', '1e-400']; // prettier-ignore

export const keys = fc.constantFrom(...KEYS);
export const texts = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 6 }));

const stringTexts = fc.oneof(
  { weight: 20, arbitrary: texts.map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: texts.map(escapeAll) },
);
export const scalars = fc.oneof(
  { weight: 8, arbitrary: stringTexts },
  { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 3, arbitrary: fc.constantFrom(...ODD_NUMBERS) },
  { weight: 4, arbitrary: fc.integer({ min: -1000, max: 1000 }).map(String) },
  { weight: 4, arbitrary: fc.constantFrom('true', 'false', 'null') },
);

/** Some writers of JSON escape all non-ASCII characters; this escapes every character. */
function escapeAll(text: string): string {
  const escaped = text.split('').map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped.join('')}"`;
}

const { value, object } = fc.letrec<{ value: string; object: string; list: string; member: [string, string] }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalars, tie('object'), tie('list')),
  member: fc.tuple(fc.oneof({ weight: 20, arbitrary: keys.map((key) => JSON.stringify(key)) }, { weight: 1, arbitrary: keys.map(escapeAll) }), tie('value')),
  object: fc
    .oneof(
      { weight: 8, arbitrary: fc.uniqueArray(tie('member'), { maxLength: 5, selector: ([key]) => key }) },
      // The same key may come twice.
      { weight: 1, arbitrary: fc.array(tie('member'), { maxLength: 5 }) },
    )
    .map((members) => `{${members.map(([key, inner]) => `${key}:${inner}`).join(',')}}`),
  list: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
})); // prettier-ignore
/** Texts of JSON, without white space: half of them as JavaScript writes them, for the fast paths. */
export const values = fc.oneof(value, value.map(asJavaScriptWrites));
export const objects = fc.oneof(object, object.map(asJavaScriptWrites));

function asJavaScriptWrites(text: string): string {
  return JSON.stringify(JSON.parse(text));
}

const pathPieces = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'eo:cloud_cover', 'with\\.dot', '0', '1', 'list', 'x-y', 'x_y') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('#', '*', '-1', '01', '', ':1', '@this', 'é', '5', '\\', '#(a==1)', 'a|b', '$', '~true'),
  },
);
export const paths = fc.array(pathPieces, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('.'));
