import { textOf } from '../../src/event/json-text';
import { parseValues } from '../../src/rehearsal/read-events';

it('a file of events in YAML keeps every digit of its whole numbers', () => {
  const values = parseValues('body: { id: 9007199254740993, ids: [-12345678901234567890], c: 5 }\n', 'event.yaml');
  expect(values.map(textOf)).toEqual(['{"body":{"id":9007199254740993,"ids":[-12345678901234567890],"c":5}}']);
});
