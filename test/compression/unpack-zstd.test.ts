import { unpackZstd } from '../../src/compression/unpack-zstd';

const MEBIBYTE = 1024 * 1024;

/** A frame of zstd whose blocks are one repeated byte each. */
function frame(windowLog: number, blocks: number): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3]);
  const block = (isLast: boolean): Buffer => Buffer.from([(1 << 3) | (1 << 1) | (isLast ? 1 : 0), 0, 0, 0x41]);
  return Buffer.concat([header, ...Array.from({ length: blocks }, (_, index) => block(index === blocks - 1))]);
}

const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);

describe('zstd from others', () => {
  it('may have several frames, and some that are to be skipped', () => {
    const packed = Buffer.concat([skippable, frame(10, 3), skippable, frame(20, 2)]);
    expect(unpackZstd(packed, 100).toString()).toBe('AAAAA');
  });

  it.each<[string, Buffer]>([
    ['a second frame with a window of 1 GiB', Buffer.concat([frame(10, 1), frame(30, 1)])],
    ['a window of 1 GiB behind a frame to skip', Buffer.concat([skippable, frame(30, 1)])],
    ['a second frame that ends after its window of 1 GiB', Buffer.concat([frame(10, 1), frame(30, 1).subarray(0, 6)])],
    ['fifty frames with windows of 64 MiB', Buffer.concat(Array.from({ length: 50 }, () => frame(26, 1)))],
  ])('gets no memory for %s', (_what, packed) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(() => unpackZstd(packed, 64 * MEBIBYTE)).toThrow('larger');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MEBIBYTE);
  });

  it('is refused when the blocks of a large window would hold up the worker for seconds', () => {
    expect(() => unpackZstd(frame(26, 1_900), 64 * MEBIBYTE)).toThrow('refer back too far');
  });
});
