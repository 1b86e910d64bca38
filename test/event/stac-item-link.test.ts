import type { JsonValue } from '../../src/event/json';
import { findItemLink, holdsWholeItem } from '../../src/event/stac-item-link';

const LINK = 'https://stac.example/collections/c/items/a';
const thin = { type: 'Feature', stac_version: '1.0.0', id: 'a', links: [{ rel: 'self', href: LINK }] };

describe('the link to an item is found in', () => {
  it.each<[string, JsonValue]>([
    ['an address alone', ` ${LINK}\n`],
    ['an address in quotes, as a body is parsed', JSON.parse(JSON.stringify(LINK)) as string],
    ['the flat form of a stream', { subject: LINK, producer: 'p', href: LINK }],
    ['the self link of a notification in the form of an item', thin],
    [
      'the item link of another document',
      {
        links: [
          { rel: 'root', href: 'https://x' },
          { rel: 'item', href: LINK },
        ],
      },
    ],
    ['a JSON text', JSON.stringify({ href: LINK })],
    ['a CloudEvent that carries a link', { specversion: '1.0', type: 't', source: 's', id: '1', data: { href: LINK } }],
    ['a CloudEvent that carries an address alone', { specversion: '1.0', type: 't', source: 's', id: '1', data: LINK }],
    ['a CloudEvent whose data is elsewhere', { specversion: '1.0', type: 't', source: 's', id: '1', dataref: LINK }],
    ['a message of SNS', { Type: 'Notification', Message: JSON.stringify(thin) }],
    ['a message of SNS that is an address', { Type: 'Notification', Message: LINK }],
    ['a record of stac-server', { record: thin, error: null }],
  ])('%s', (_what, payload) => {
    expect(findItemLink(payload)).toBe(LINK);
  });

  it.each<[string, JsonValue]>([
    ['text', 'see urn:scene:a'],
    ['a relative link', { href: './a.json' }],
    ['a collection', { type: 'Collection', links: [{ rel: 'self', href: LINK }] }],
    ['a record of what stac-server could not store', { record: thin, error: 'invalid' }],
    ['a link beyond what servers accept', { href: `https://x/${'a'.repeat(10_000)}` }],
    ['links that are no list', { links: { rel: 'self', href: LINK } }],
    ['nothing', null],
    ['an SNS message within an SNS message, five times', nest(6)],
  ])('but not in %s', (_what, payload) => {
    expect(findItemLink(payload)).toBeUndefined();
  });
});

function nest(levels: number): string {
  const inner = levels === 0 ? LINK : nest(levels - 1);
  return JSON.stringify({ Type: 'Notification', Message: inner });
}

it('an item is whole if it has what filters look at, and so is a collection of items', () => {
  const whole = { ...thin, geometry: null, properties: { datetime: null } };
  expect([thin, { ...thin, properties: {} }, { ...whole, properties: {} }].map((each) => holdsWholeItem(each))).toEqual(
    [false, false, false],
  );
  expect(holdsWholeItem(whole)).toBe(true);
  expect(holdsWholeItem({ Type: 'Notification', Message: JSON.stringify(whole) })).toBe(true);
  expect(holdsWholeItem({ type: 'FeatureCollection', features: [thin, thin] })).toBe(true);
});
