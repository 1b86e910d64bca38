import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { AsyncLocalStorage } from 'node:async_hooks';
import { gzipSync } from 'node:zlib';
import { compress } from 'snappyjs';
import '../../src/clients/kafka/compression';
import { beginInflation } from '../../src/clients/kafka/inflation-limit';
import { unpackLz4 } from '../../src/clients/kafka/lz4-frames';

const PLAIN = Array.from(
  { length: 60 },
  (_, index) => `{"scene":"S2A_${String((index * 7919) % 99_991).padStart(5, '0')}","cloud":${index % 100}}\n`,
).join('');

/** Written by the programs lz4 1.9 and zstd 1.5. */
const PACKED = {
  lz4: 'BCJNGGxAsgcAAAAAAAB7oQIAAPAAeyJzY2VuZSI6IlMyQV8wAQDbIiwiY2xvdWQiOjB9CiAARjc5MTkgABwxIABWMTU4MzggABwyIABWMjM3NTcgABwzIABWMzE2NzYgAB00IABGOTU5NSAAHDUgAFY0NzUxNCAAHDYgAFY1NTQzMyAAHDcgAFY2MzM1MiAAHDggAFY3MTI3MSAAHTkgADc5MTlAAR0xQQFIODcxMEEBDUIBRzk1MDJCAR0xQwFHMDI5NSMBHTFEAUcxMDg3JAEdMUUBRzE4NzklAR0xRgFHMjY3MSYBHTFHAUczNDYzJwEdMUgBRzQyNTUoAR0xSQFINTA0NykBDUoBAEkCBykBHTJKAUg2NjMwawINSgFHNzQyMmwCHTJKAUc4MjE0SgEdMkoBRzkwMDZKAR0ySgFHOTc5OEoBHTJKAUcwNTkxKQEdMkoBRzEzODMpAR0ySgFHMjE3NSkBHTJKAUgyOTY2KQENSgFHMzc1OCkBHTNKAUg0NTUwlQMNSgFHNTM0MikBHTNKAUc2MTM0KQEdM0oBRzY5MjYpAR0zSgFHNzcxOHMCHTNKAUc4NTEwSgEdM0oBRzkzMDJKAR0zSgFHMDA5NCkBHTNKAUgwODg2KQENSgFHMTY3OCkBHTRKAUgyNDcwvwQNSgFHMzI2MikBHTRKAUc0MDU0KQEdNEoBRzQ4NDYpAR00SgFHNTYzOCkBHTRKAUc2NDMwKQEdNEoBRzcyMjJzAh00SgFHODAxM0oBHTRKAUc4ODA1SgEuNDnmBCc5N0oBHjVpBjgzOTDpBQ5qBjcxODIpAR01SgFHMTk3NCkBHTVKAUcyNzY2KQEeNW0GNzU1OCkBHjVuBigzNS4HHjVvBigxNC8HHTVKATg1OTMwBx01SgE3NjcyMQdQOjU5fQoAAAAA5PcygA==',
  lz4WithChecksums:
    'BCJNGHRAvawCAADwAHsic2NlbmUiOiJTMkFfMAEA2yIsImNsb3VkIjowfQogAEY3OTE5IAAcMSAAVjE1ODM4IAAcMiAAVjIzNzU3IAAcMyAAVjMxNjc2IAAdNCAARjk1OTUgABw1IABWNDc1MTQgABw2IABWNTU0MzMgABw3IABWNjMzNTIgABw4IABWNzEyNzEgAB05IABGOTE5MCAAHTFBAUg4NzEwQQENQgFHOTUwMkIBHTFDAUcwMjk1IwEdMUQBRzEwODckAR0xRQFHMTg3OSUBHTFGAUcyNjcxJgEdMUcBRzM0NjMnAR0xSAFHNDI1NSgBHTFJAUg1MDQ3KQENSgEASQIHKQEdMkoBRzY2MzApAR0ySgFHNzQyMmwCHTJKAUc4MjE0SgEdMkoBRzkwMDZKAR0ySgFHOTc5OEoBHTJKAUcwNTkxKQEdMkoBRzEzODMpAR0ySgFHMjE3NSkBHTJKAUgyOTY2KQENSgFHMzc1OCkBHTNKAUc0NTUwKQEdM0oBRzUzNDIpAR0zSgFHNjEzNCkBHTNKAUc2OTI2KQEdM0oBRzc3MThzAh0zSgFHODUxMEoBHTNKAUc5MzAySgEdM0oBRzAwOTQpAR0zSgFIMDg4NikBDUoBRzE2NzgpAR00SgFHMjQ3MCkBHTRKAUczMjYyKQEdNEoBRzQwNTQpAR00SgFHNDg0NikBHTRKAUc1NjM4KQEdNEoBRzY0MzApAR00SgFHNzIyMnMCHTRKAUc4MDEzSgEdNEoBRzg4MDVKAR00SgFHOTU5N0oBHTVKAUcwMzkwKQEdNUoBRzExODIpAR01SgFHMTk3NCkBHTVKAUcyNzY2KQEdNUoBRzM1NTgpAR01SgE4NDM1LgcdNUoBODUxNC8HHTVKATg1OTMwBx01SgE3NjcyMQdQOjU5fQoMQIMeAAAAAOT3MoA=',
  zstd: 'KLUv/WSyBt0JAIaWMhiQudABy9b+dgd/NQqeyC1lSikZyNytwAU0ACcAKAAlozGpVY04Gnw71Pof7+S/Xh6atXQqOTq+1YoKC0EYBhAMCBKGg0EEABhgQBgUBYrEgSEhp5Hr6MjVhaOoOCJFj4NEmjikM5yQ5dtPjx13HQ3norGdhmzzoozyti/2OaxHyDQNmnXMGNJyiZTSquyjHSOqhzW9u+nQfUl+d4xTWTNFSoVFnTRv/d4v8vobf88Z4muq3RzbL1U51cuXMdzJsJAkT+oxR+fueDh4qCBeINQ9xrAzSnUQEOEaSSTzNCdaKY0wc6KV0ggy03+oWnmjW0VPfTx/xBr45fOzneTxaxblRp7HP+4SEo/8JjLTRi7ARGiSYLp9yTil+KSbSIIeOTNKLV+EgCB6v546ai+pEqPqknLxw5EgpBtS1gQ=',
  lz4Zeros:
    'BCJNGGRQCBsDAAAfAAEA/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////zdQAAAAAAAAAAAAaDyw3A==',
};

const MEBIBYTE = 1024 * 1024;

type Compressed = Exclude<CompressionTypes, CompressionTypes.None>;

function unpack(type: Compressed, packed: Buffer): Promise<Buffer> {
  const codec = CompressionCodecs[type] as () => { decompress: (packed: Buffer) => Promise<Buffer> };
  return codec().decompress(packed);
}

/** As the library snappy-java writes it. */
function framed(blocks: readonly Buffer[]): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]);
  const sized = blocks.flatMap((block) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.length);
    return [size, block];
  });
  return Buffer.concat([header, ...sized]);
}

describe('compressed records of Kafka', () => {
  it.each<[string, Compressed, Buffer]>([
    ['gzip', CompressionTypes.GZIP, gzipSync(PLAIN)],
    ['snappy in one block', CompressionTypes.Snappy, compress(Buffer.from(PLAIN))],
    [
      'snappy in frames',
      CompressionTypes.Snappy,
      framed([compress(Buffer.from(PLAIN.slice(0, 1_000))), compress(Buffer.from(PLAIN.slice(1_000)))]),
    ],
    ['LZ4', CompressionTypes.LZ4, Buffer.from(PACKED.lz4, 'base64')],
    ['LZ4 with checksums', CompressionTypes.LZ4, Buffer.from(PACKED.lz4WithChecksums, 'base64')],
    ['zstd', CompressionTypes.ZSTD, Buffer.from(PACKED.zstd, 'base64')],
  ])('are unpacked from %s', async (_name, type, packed) => {
    expect((await unpack(type, packed)).toString()).toBe(PLAIN);
  });

  it('may repeat what they are about to write', () => {
    const zeros = unpackLz4(Buffer.from(PACKED.lz4Zeros, 'base64'), MEBIBYTE);
    expect(zeros.length).toBe(200_000);
    expect(zeros.every((byte) => byte === 0)).toBe(true);
  });

  it('are refused when they expand to more than a fetch may hold, over all its batches', async () => {
    const packed = gzipSync(Buffer.alloc(24 * MEBIBYTE));
    await new AsyncLocalStorage().run(undefined, async () => {
      beginInflation();
      await unpack(CompressionTypes.GZIP, packed);
      await unpack(CompressionTypes.GZIP, packed);
      await expect(unpack(CompressionTypes.GZIP, packed)).rejects.toThrow(/larger/);
      await expect(unpack(CompressionTypes.Snappy, compress(Buffer.alloc(24 * MEBIBYTE)))).rejects.toThrow(/too big/);
      beginInflation();
      await unpack(CompressionTypes.GZIP, packed);
    });
  });

  it('are refused when unpacking all batches of a fetch would take long, however little comes out', async () => {
    // 256 blocks that repeat a byte once, each with a window of 8 MiB to move.
    const blocks = Array.from({ length: 256 }, (_, index) => [0x0a | (index === 255 ? 1 : 0), 0, 0, 0x41]);
    const packed = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3, ...blocks.flat()]);
    await new AsyncLocalStorage().run(undefined, async () => {
      beginInflation();
      await unpack(CompressionTypes.ZSTD, packed);
      await expect(unpack(CompressionTypes.ZSTD, packed)).rejects.toThrow('take too long');
    });
  });

  it('are refused when they are damaged, at whatever byte', async () => {
    for (const [type, text] of [
      [CompressionTypes.LZ4, PACKED.lz4],
      [CompressionTypes.LZ4, PACKED.lz4WithChecksums],
    ] as const) {
      const packed = Buffer.from(text, 'base64');
      for (let at = 0; at < packed.length; at += 1) {
        const damaged = Buffer.from(packed);
        damaged[at] = 255 - (damaged[at] ?? 0);
        // Either way it ends, within its bounds.
        await unpack(type, damaged).catch(() => undefined);
        await unpack(type, packed.subarray(0, at)).catch(() => undefined);
      }
    }
  });
});
