import { summaryLine } from '../../workflows/summary-line';

describe('a summary', () => {
  it('is one line', () => {
    expect(summaryLine(' detect ←\n a ')).toBe('detect ← a');
  });

  it.each(['x', 'ä', '水', '"', '😀'])('is never more than the 400 bytes that Temporal takes: %s', (character) => {
    const line = summaryLine(character.repeat(500));
    expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThanOrEqual(400);
    expect(line).toMatch(/^.{60,}…$/);
  });
});
