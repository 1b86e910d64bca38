import { readEventId } from '../../../activities/relay/event-id-from';
import { isJsonText, readJson, type ObjectDocument } from '../../../src/event/json-text';
import { isJsonObject } from '../../../src/event/json';

const payload = (text: string): ObjectDocument => {
  const document = readJson(text);
  if (isJsonText(document) || isJsonObject(document)) return document;
  throw new Error('no object');
};

it.each([
  ['a string', '{"body":{"id":"a"}}', 'a'],
  ['a number', '{"body":{"id":12}}', '12'],
  ['a number beyond 2^53, with all its digits', '{"body":{"id":9007199254740993}}', '9007199254740993'],
  ['a number with zeros after its decimal point, unchanged', '{"body":{"id":12.50}}', '12.5'],
  ['a string next to such numbers', '{"body":{"n":1.0,"id":"a"}}', 'a'],
  ['nothing for an object', '{"body":{"id":{"n":1.0}}}', undefined],
  ['nothing for a missing path', '{"body":{"n":1.0}}', undefined],
])('reads %s', (_what, text, expected) => {
  expect(readEventId(payload(text), 'body.id')).toBe(expected);
});
