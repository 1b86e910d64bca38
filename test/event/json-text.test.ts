/** Numbers, keys and their order are what was sent, through parsing, the bus and back. */
import fc from 'fast-check';
import { objects, values } from '../../dev/differential/random-json';
import type { CloudEvent } from '../../src/event/cloud-event';
import { decodeEvent, encodeEvent } from '../../src/event/encode-event';
import { dataAttributes, dataOf } from '../../src/event/event-data';
import { deriveEventId } from '../../src/event/event-id';
import { elementsOf, isJsonText, memberOf, readJson, textOf, valueOf } from '../../src/event/json-text';
import { cloudEvent } from '../setup/cloud-event';

const CHANGED_BY_JAVASCRIPT = [
  ['a whole number beyond 2^53', '{"id":9007199254740993}'],
  ['a whole number beyond 2^64', '{"id":123456789012345678901234567890}'],
  ['a number beyond float64', '[1e400]'],
  ['zeros behind the point', '{"money":10.00}'],
  ['an exponent', '{"n":1e3}'],
  ['a negative zero', '[-0]'],
  ['a key like an integer behind another', '{"b":1,"2":1}'],
  ['a key that is given twice', '{"a":1,"a":2}'],
] as const;

const UNCHANGED = [
  ['numbers', '{"a":9007199254740992,"b":-1.5,"c":1e+21,"d":172.91173669923782}'],
  ['keys like integers in their order', '{"2":1,"10":1,"b":1}'],
  ['an empty document', '{}'],
] as const;

/** White space wherever JSON allows it. */
const spaced = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (token) => (token.startsWith('"') ? token : ` \n${token}\t `));

/** Strings in one way of escaping. */
const unescaped = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"/g, (string) => JSON.stringify(JSON.parse(string)));

const eventWith = (data: Pick<CloudEvent, 'data' | 'data_base64'>) => cloudEvent(data);

function textOfData(event: CloudEvent): string | undefined {
  const data = dataOf(event);
  return data.kind === 'json' ? textOf(data.value) : undefined;
}

describe('JSON from outside', () => {
  it.each(CHANGED_BY_JAVASCRIPT)('keeps its text if it has %s', (_what, text) => {
    const document = readJson(spaced(text));
    expect(isJsonText(document)).toBe(true);
    expect(textOf(document)).toBe(text);
  });

  it.each(UNCHANGED)('is its value if it has nothing but %s', (_what, text) => {
    expect(readJson(spaced(text))).toEqual(JSON.parse(text));
  });

  it('is its value if only the escapes of strings differ', () => {
    expect(readJson(String.raw`{"\u0061": "\u00e9\/"}`)).toEqual({ a: 'é/' });
  });

  it('returns its members and elements with their text', () => {
    const document = readJson('[{"a":{"n":1.0},"b":"]}\\"","a":{"n":2.0}}, 3, []]');
    const [first, second, third] = isJsonText(document) ? elementsOf(document) : [];
    expect([second, third]).toEqual([3, []]);
    const member = first !== undefined && isJsonText(first) ? memberOf(first, 'a') : undefined;
    expect(member !== undefined && textOf(member)).toBe('{"n":2.0}');
  });

  it('is stored on the bus as JSON with its text, no larger than the input', () => {
    const event = eventWith(dataAttributes(readJson('{"id": 9007199254740993}')));
    expect(event.data_base64).toBeDefined();
    const onBus = Buffer.from(encodeEvent({ ...event, traceparent: undefined })).toString();
    expect(onBus).toContain(',"data":{"id":9007199254740993}}');
    expect(decodeEvent(Buffer.from(onBus))).toEqual(event);
  });

  it('has the same text after the parser and after the bus', () => {
    fc.assert(
      fc.property(fc.oneof(objects, values), (text) => {
        const document = readJson(spaced(text));
        expect(unescaped(textOf(document))).toBe(unescaped(text));
        const event = decodeEvent(encodeEvent(eventWith(dataAttributes(document))));
        expect(textOfData(event)).toBe(textOf(document));
      }),
      { numRuns: 500 },
    );
  });
});

describe('an event that another producer published', () => {
  const envelope = '"specversion":"1.0","id":"e1","source":"orders","subject":"new","time":"2026-01-02T03:04:05Z"';

  it.each(CHANGED_BY_JAVASCRIPT)('keeps the text of its data if it has %s', (_what, text) => {
    const inJson = decodeEvent(Buffer.from(`{ ${envelope}, "data": ${spaced(text)} }`));
    expect(textOfData(inJson)).toBe(text);
    const base64 = Buffer.from(spaced(text)).toString('base64');
    const inBytes = decodeEvent(Buffer.from(`{${envelope},"data_base64":"${base64}"}`));
    expect(textOfData(inBytes)).toBe(text);
    // So the form in which it travels on is the same.
    expect(inBytes).toEqual(inJson);
  });

  it('keeps ordinary data as a value, next to any other attributes', () => {
    const event = decodeEvent(Buffer.from(`{${envelope},"data":{"a":1},"sequence":9007199254740993}`));
    expect(event.data).toEqual({ a: 1 });
  });
});

describe('ids derived from content', () => {
  const idOf = (text: string): string => {
    const document = readJson(text);
    return deriveEventId({ eventName: 'items', document, data: {}, receivedAt: '' });
  };
  const item = (cloudCover: string): string =>
    `{"type":"Feature","stac_version":"1.0.0","id":"S2A","properties":{"n":${cloudCover}}}`;

  it('differ if only digits beyond double precision differ', () => {
    expect(idOf(item('9007199254740993'))).not.toBe(idOf(item('9007199254740992')));
  });

  it('are those of earlier versions for safe numbers', () => {
    expect(idOf(item('12.5'))).toBe('items:stac::S2A:rmzd2j4tm6na');
  });

  it('do not depend on white space', () => {
    expect(idOf(spaced(item('1.0')))).toBe(idOf(item('1.0')));
    expect(valueOf(readJson(item('1.0')))).toEqual(JSON.parse(item('1.0')));
  });
});
