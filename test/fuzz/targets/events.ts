import fc from 'fast-check';
import { isSluiceError } from '../../../src/errors/sluice-error';
import { decodeEvent, encodeEvent } from '../../../src/event/encode-event';
import { anyJson, anyText, asText, mutated, mutatedJson } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

const EVENT = {
  specversion: '1.0',
  id: 'scenes:stac-events:1-0',
  source: 'stac',
  subject: 'scenes',
  type: 'redisStream',
  time: '2026-01-02T03:04:05.678Z',
  datacontenttype: 'application/json',
  data: { stream: 'stac-events', values: { href: 'https://stac.example/1' } },
};

/** Bytes from the bus, also of other programs: an event that can be written again, or EVENT_UNDECODABLE. */
export function events(): OpenTarget {
  const encoder = new TextEncoder();
  const documents = fc.oneof(mutatedJson([EVENT, { ...EVENT, data_base64: 'eyJhIjoxfQ==' }]), anyJson);
  const texts = fc.oneof(asText(documents), mutated(fc.constant(JSON.stringify(EVENT))), anyText);
  return hide({
    inputs: fc.oneof(
      { weight: 4, arbitrary: texts.map((text) => encoder.encode(text)) },
      fc.uint8Array({ maxLength: 200 }),
    ),
    check(bytes) {
      try {
        const event = decodeEvent(bytes);
        expectThat(event.id !== '' && event.source !== '', 'an event with id and source');
        expectThat(
          JSON.stringify(decodeEvent(encodeEvent(event))) === JSON.stringify(event),
          'the same event once written and read',
        );
      } catch (error) {
        if (!isSluiceError(error) || error.code !== 'EVENT_UNDECODABLE') throw error;
        expectThat(error.message !== '', 'a message');
      }
    },
  });
}
