import { CloudEvent as LibraryEvent } from 'cloudevents';
import { isSluiceError } from '../../src/errors/sluice-error';
import { decodeEvent, encodeEvent } from '../../src/event/encode-event';
import { isJsonContent } from '../../src/event/event-data';
import { MAX_JSON_DEPTH } from '../../src/event/json';
import { cloudEvent } from '../setup/cloud-event';

const event = cloudEvent({
  data: { stream: 'stac-events', values: { href: 'https://stac.example/ü' } },
  sluicenamespace: 'tenant-a',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
});

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

describe('events on the bus', () => {
  it('are read back as they were written', () => {
    expect(decodeEvent(encodeEvent(event))).toEqual(event);
  });

  it('are valid CloudEvents to the CloudEvents library', () => {
    const read = new LibraryEvent(JSON.parse(new TextDecoder().decode(encodeEvent(event))) as object, true);
    expect(read.validate()).toBe(true);
    expect(read.data).toEqual(event.data);
  });

  it('are read as Argo Events writes them: JSON data in base64', () => {
    const argo = {
      specversion: '1.0',
      id: '9d1d8a0c6e544c5c8b8f3a7c2e6f1a2b',
      source: 'stac',
      type: 'redis',
      subject: 'scenes',
      datacontenttype: 'application/json',
      time: '2026-01-02T03:04:05.6789Z',
      data_base64: Buffer.from('{"channel":"FOO","body":"größe"}').toString('base64'),
    };
    expect(decodeEvent(bytes(argo)).data).toEqual({ channel: 'FOO', body: 'größe' });
  });

  it('keep data that is not JSON in base64', () => {
    const binary = { ...event, data: undefined, datacontenttype: 'image/png', data_base64: 'AAEC' };
    expect(decodeEvent(bytes(binary))).toMatchObject({ data_base64: 'AAEC', datacontenttype: 'image/png' });
  });

  it('may carry unknown attributes', () => {
    expect(decodeEvent(bytes({ ...event, partitionkey: 'x', another: 1 }))).toEqual(event);
  });

  it.each<[string, unknown]>([
    ['text', 'hello'],
    ['bytes that are not UTF-8', Uint8Array.from([0xff, 0xfe])],
    ['a list', []],
    ['an object without id', { ...event, id: undefined }],
    ['an object without subject', { ...event, subject: '' }],
    ['a number as source', { ...event, source: 1 }],
    ['another version', { ...event, specversion: '0.3' }],
    [
      'data deeper than the limit',
      JSON.stringify(event).replace('"data":{', `"data":{"deep":${'['.repeat(5_000)}${']'.repeat(5_000)},`),
    ],
    [
      'deep data in base64',
      { ...event, data: undefined, data_base64: Buffer.from('['.repeat(5_000) + ']'.repeat(5_000)).toString('base64') },
    ],
    ['invalid data_base64', { ...event, data: undefined, datacontenttype: 'text/plain', data_base64: '%%%not base64' }],
    ['invalid JSON in data_base64', { ...event, data: undefined, data_base64: '%%%not' }],
    ['an invalid time', { ...event, time: 'not a time' }],
    ['a time beyond the year 9999', { ...event, time: '99999-01-01T00:00:00Z' }],
    ['an endless type', { ...event, type: 'T'.repeat(100_000) }],
    ['an endless content type', { ...event, datacontenttype: 'C'.repeat(100_000) }],
    ['an endless subject', { ...event, subject: 'S'.repeat(100_000) }],
    ['broken base64 JSON', { ...event, data: undefined, data_base64: Buffer.from('{').toString('base64') }],
  ])('that are %s are rejected with a reason', (_, content) => {
    let error: unknown;
    try {
      decodeEvent(content instanceof Uint8Array ? content : bytes(content));
    } catch (caught) {
      error = caught;
    }
    expect(isSluiceError(error) && error.code).toBe('EVENT_UNDECODABLE');
    expect(isSluiceError(error) && error.message).not.toContain('RangeError');
  });

  it('keep usual ids of other producers, and shorten unusual ones', () => {
    const idOf = (id: string): string => decodeEvent(bytes({ ...event, id })).id;
    for (const id of ['9d1d8a0c6e544c5c8b8f3a7c2e6f1a2b', 'größe/1 2', "a' OR x='y", '__proto__', 'x'.repeat(512)]) {
      expect(idOf(id)).toBe(id);
    }
    const odd = [
      'L'.repeat(900),
      'L'.repeat(901),
      'new\nline',
      'new_line\u0000',
      '\u202Ertl',
      'lone\ud800',
      '\u001b[31mred',
    ];
    const bounded = odd.map(idOf);
    for (const id of bounded) expect(id).toMatch(/^[A-Za-z0-9._:@+~-]{1,200}$/);
    expect(new Set(bounded).size).toBe(odd.length);
    expect(odd.map(idOf)).toEqual(bounded);
  });

  it('lose an invalid trace context, not the event', () => {
    const read = decodeEvent(bytes({ ...event, traceparent: `00-${'x'.repeat(5_000)}` }));
    expect(read.traceparent).toBeUndefined();
    expect(read.id).toBe(event.id);
  });

  it('keep a key named __proto__', () => {
    const text = JSON.stringify(event).replace('"data":{', '"data":{"__proto__":{"k":"v"},');
    expect(JSON.stringify(decodeEvent(bytes(text)).data)).toContain('"__proto__":{"k":"v"}');
  });

  it('are not written if they are nested too deeply to be read', () => {
    const deep = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000)) as [];
    expect(() => encodeEvent({ ...event, data: { body: deep } })).toThrow('5002 levels deep');
    const legal = JSON.parse('['.repeat(MAX_JSON_DEPTH) + ']'.repeat(MAX_JSON_DEPTH)) as [];
    expect(decodeEvent(encodeEvent({ ...event, data: { body: legal } })).data).toBeDefined();
  });

  it.each([
    ['application/json', true],
    ['application/geo+json; charset=utf-8', true],
    ['text/json', true],
    ['text/plain', false],
    ['application/jsonlines', false],
  ])('treat %s as JSON: %s', (contentType, expected) => {
    expect(isJsonContent(contentType)).toBe(expected);
  });
});
