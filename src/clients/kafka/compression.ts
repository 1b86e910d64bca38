/**
 * The compressions of Kafka for kafkajs, which supports the formats and leaves the implementations to its user.
 *
 * What a broker stores may expand a thousandfold: see inflation-limit.ts.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { compress, uncompress } from 'snappyjs';
import { unpackZstd, zstdDemands } from '../../compression/unpack-zstd';
import { inflatedBytes, remainingInflation } from './inflation-limit';
import { unpackLz4 } from './lz4-frames';

const [zip, unzip] = [promisify(gzip), promisify(gunzip)];

interface Encoder {
  readonly buffer: Buffer;
}

CompressionCodecs[CompressionTypes.GZIP] = () => ({
  compress: ({ buffer }: Encoder) => zip(buffer),
  decompress: async (packed: Buffer) => inflated(await unzip(packed, { maxOutputLength: remainingInflation() })),
});
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: ({ buffer }: Encoder) => Promise.resolve(compress(buffer)),
  decompress: unpacking(unpackSnappy),
});
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: () => Promise.reject(new Error('records are not sent with LZ4')),
  decompress: unpacking(unpackLz4),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: () => Promise.reject(new Error('records are not sent with zstd')),
  decompress: unpacking(unpackBatch),
});

type Unpack = (packed: Buffer, most: number) => Buffer;

function unpacking(unpack: Unpack): (packed: Buffer) => Promise<Buffer> {
  // Async, so that the client handles what is thrown.
  // eslint-disable-next-line @typescript-eslint/require-await
  return async (packed) => inflated(unpack(packed, remainingInflation()));
}

function inflated(plain: Buffer): Buffer {
  inflatedBytes(plain.length);
  return plain;
}

/** Moving so many bytes takes as long as unpacking one. */
const MOVED_FOR_ONE = 64;

/** Its cost depends on what its headers demand, which little output may hide; all of a fetch share what is left. */
function unpackBatch(packed: Buffer, most: number): Buffer {
  const cost = Math.ceil(zstdDemands(packed).moved / MOVED_FOR_ONE);
  if (cost >= most) throw new Error('the compressed records of a fetch take too long to unpack');
  inflatedBytes(cost);
  return unpackZstd(packed, most - cost);
}

/** Java clients frame blocks of 32 KiB, as the library snappy-java does; others send one block. */
const FRAMED = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const FRAME_HEADER_BYTES = 16;

function unpackSnappy(packed: Buffer, most: number): Buffer {
  if (!packed.subarray(0, FRAMED.length).equals(FRAMED)) return uncompress(packed, most);
  const blocks: Buffer[] = [];
  let left = most;
  for (let at = FRAME_HEADER_BYTES; at < packed.length;) {
    const end = at + 4 + packed.readUInt32BE(at);
    const block = uncompress(packed.subarray(at + 4, end), left);
    left -= block.length;
    blocks.push(block);
    at = end;
  }
  return Buffer.concat(blocks);
}
