/** Objects that triggers change keep the whole numbers that JavaScript cannot hold. */
import { readJson } from '../../src/event/json-text';
import { restoreNumbers, toWorkingCopy, withoutMarks, writeExactly } from '../../src/yaml/exact-numbers';
import { writeYaml } from '../../src/yaml/write-yaml';

const NUMBERS = '{"id":9007199254740993,"list":[-9223372036854775808,{"n":1e400}],"text":"9007199254740993 \\" 1"}';

it('writes an object as it was read, with additions', () => {
  const copy = toWorkingCopy(readJson(NUMBERS));
  expect(writeExactly({ added: 1, copy })).toBe(`{"added":1,"copy":${NUMBERS}}`);
  expect(writeExactly(structuredClone(copy), 1)).toContain('"id": 9007199254740993,');
});

it('writes the numbers into YAML', () => {
  expect(writeYaml(toWorkingCopy(readJson('{"id":9007199254740993,"list":[12345678901234567890]}')))).toBe(
    'id: 9007199254740993\nlist:\n  - 12345678901234567890\n',
  );
});

it('returns approximate values when read as numbers', () => {
  expect(toWorkingCopy(readJson('{"a":10.00,"b":-0.0,"c":5,"id":9007199254740993}'))).toMatchObject({ a: 10, c: 5 });
});

it('returns the digits when read as text', () => {
  const id = toWorkingCopy(readJson('9007199254740993'));
  expect(typeof id === 'string' && withoutMarks(id)).toBe('9007199254740993');
});

it('does not treat event content as such a number', () => {
  const text = JSON.stringify({ a: 'sluice-number-00-9007199254740993' });
  expect(restoreNumbers(text)).toBe(text);
});

it('keeps strings that imitate the carrier of such numbers', () => {
  const copy = toWorkingCopy(readJson('12345678901234567890'));
  const mark = JSON.stringify(copy).slice(1).replace('12345678901234567890"', '');
  const injected = `,"serviceAccountName":"admin","x":"`;
  const texts = [`,${mark}1`, `"${mark}1`, `\\"${mark}1`, `${mark}1"`, `"${mark}1"`, `'${mark}1'`, `${mark}1,`, `${mark}01`, `${mark}-`]; // prettier-ignore
  for (const text of texts) {
    const object = { [text]: 1, a: text, b: injected, c: [text, injected] };
    expect(JSON.parse(writeExactly(object))).toEqual(object);
  }
});
