import fc from 'fast-check';
import { isSluiceError } from '../../../src/errors/sluice-error';
import { parseJson } from '../../../src/event/json';
import { parseStacItem, parseStacReference } from '../../../src/event/stac';
import { entryTime, fieldsToValues } from '../../../src/sources/redis-stream-reader';
import { readItemPage, readLandingPage } from '../../../src/stac/item-page';
import { anyJson, anyText, mutatedJson } from '../random-text';
import { expectThat, hide, type OpenTarget } from '../target';

const ITEM = {
  type: 'Feature',
  stac_version: '1.0.0',
  id: 'S2B',
  collection: 'sentinel-2-l2a',
  properties: { datetime: '2026-01-02T10:11:12Z', updated: '2026-01-02T10:11:12Z' },
  links: [{ rel: 'self', href: 'https://stac.example/items/S2B' }],
  assets: {},
};
const PAGE = {
  type: 'FeatureCollection',
  features: [ITEM],
  links: [{ rel: 'next', href: 'https://stac.example/next' }],
};

/** Entries of Redis streams, items and pages of STAC APIs: read, or refused with an error that says why. */
export function sources(): OpenTarget {
  return hide({
    inputs: fc.record({
      fields: fc.array(anyText, { maxLength: 9 }),
      id: anyText,
      document: fc.oneof(mutatedJson([ITEM, PAGE]), anyJson),
      text: anyText,
    }),
    check({ fields, id, document, text }) {
      const values = fieldsToValues(fields);
      for (let index = 0; index + 1 < fields.length; index += 2) {
        expectThat(
          Object.hasOwn(values, fields[index] ?? ''),
          `a value for every field, also ${JSON.stringify(fields[index])}`,
        );
      }
      const time = entryTime(id);
      if (time !== undefined) expectThat(!Number.isNaN(Date.parse(time)), `a time, got ${time}`);
      parseStacItem(document);
      parseStacReference(document);
      const place = { pageUrl: 'https://stac.example/search', api: 'https://stac.example', collections: ['c'] };
      refusedOrRead(() => readItemPage(document, place));
      refusedOrRead(() => readLandingPage(document, 'https://stac.example'));
      try {
        parseJson(text);
      } catch (error) {
        expectThat(error instanceof Error && error.message !== '', 'a message with what is no JSON');
      }
    },
  });
}

function refusedOrRead(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    expectThat(error.message !== '', 'a message');
  }
}
