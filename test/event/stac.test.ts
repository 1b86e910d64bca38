import { parseStacItem, parseStacReference } from '../../src/event/stac';

const item = { type: 'Feature', stac_version: '1.0.0', id: 'a', collection: 's2', properties: { updated: 'u' } };

describe('documents of STAC publishers', () => {
  it('are recognised as items', () => {
    expect(parseStacItem(item)).toEqual({ collection: 's2', id: 'a', updated: 'u' });
    expect(parseStacItem({ ...item, collection: undefined, properties: null })).toEqual({ id: 'a' });
  });

  it.each([['text'], [null], [[item]], [{ ...item, stac_version: undefined }], [{ ...item, type: 'Catalog' }]])(
    'are not recognised as items if they are not: %j',
    (document) => {
      expect(parseStacItem(document)).toBeUndefined();
    },
  );

  it('are recognised as references in the flat form', () => {
    const flat = { subject: 'https://stac.example/a', producer: 'project-a', href: 'https://stac.example/a' };
    expect(parseStacReference(flat)).toEqual(flat);
    expect(parseStacReference({ href: 'x' })).toEqual({ href: 'x' });
    expect(parseStacReference(item)).toBeUndefined();
    expect(parseStacReference({ type: 'item', href: 'x' })).toBeUndefined();
  });
});
