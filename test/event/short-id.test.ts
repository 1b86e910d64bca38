import { createHash } from 'node:crypto';
import { isShortEventId, shortEventId, shortHash } from '../../src/event/short-id';

describe('the short form of an event key', () => {
  it('is the same 12 characters each time and differs between keys', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `stac/scenes:stac-events:${index}-0`);
    const short = keys.map(shortEventId);
    expect(new Set(short).size).toBe(keys.length);
    expect(short[7]).toBe(shortEventId(keys[7] ?? ''));
    expect(short.every((id) => id.length === 12 && isShortEventId(id))).toBe(true);
  });

  it('is the beginning of the SHA-256 of the key, five bits to a character', () => {
    const alphabet = '23456789abcdefghijkmnpqrstuvwxyz';
    for (const text of ['', 'a', 'Szene für alle', 'x'.repeat(1000)]) {
      const bits = [...createHash('sha256').update(text).digest()].map((byte) => byte.toString(2).padStart(8, '0'));
      const expected = (bits.join('').match(/.{5}/g) ?? []).map((five) => alphabet[parseInt(five, 2)]).join('');
      expect(shortHash(text, 51)).toBe(expected.slice(0, 51));
    }
  });

  it.each(['stac/scenes:1-0', 'short', 'ABCDEFGHJKMN', 'llllllllllll'])(
    'is distinguished from other text such as %s',
    (text) => {
      expect(isShortEventId(text)).toBe(false);
    },
  );
});
