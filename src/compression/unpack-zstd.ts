/** Unpacks zstd within limits, for content that others wrote. Pure. */
import { Decompress } from 'fzstd';

/** The largest window that zstd itself accepts by default. fzstd allocates what each frame demands. */
const MAX_ZSTD_WINDOW = 8 * 1024 * 1024;
const MAX_ZSTD_BLOCKS = 2_000;
/** fzstd moves the whole window for every block, also for an empty one. 24 MiB in one segment take 4.5 GiB. */
const MAX_MOVED_BYTES = 6 * 1024 * 1024 * 1024;

const FRAME = 0xfd2fb528;
const SKIPPABLE_FRAME = 0x184d2a5;
/** Of so few bytes fzstd already makes a window. */
const SHORTEST_READ = 5;

/** Thrown for content above a limit, as opposed to malformed content. */
export class TooLarge extends Error {}

/** What frames ask of fzstd, as their headers say. */
interface ZstdDemands {
  /** Bytes of history, of all frames together. */
  readonly windows: number;
  readonly blocks: number;
  /** Bytes that are moved within the windows. */
  readonly moved: number;
}

/** Throws `TooLarge` above a limit, and what fzstd throws for malformed content. */
export function unpackZstd(packed: Buffer, maxBytes: number): Buffer {
  const { windows, blocks, moved } = zstdDemands(packed);
  if (windows > Math.max(MAX_ZSTD_WINDOW, maxBytes)) throw tooLong(maxBytes);
  if (blocks > MAX_ZSTD_BLOCKS) throw new TooLarge(`it has more than ${MAX_ZSTD_BLOCKS} compressed blocks`);
  if (moved > MAX_MOVED_BYTES) throw new TooLarge('its compressed blocks refer back too far');
  const chunks: Uint8Array[] = [];
  let length = 0;
  const stream = new Decompress((chunk) => {
    length += chunk.length;
    if (length > maxBytes) throw tooLong(maxBytes);
    chunks.push(chunk);
  });
  stream.push(packed, true);
  return Buffer.concat(chunks, length);
}

/** Reads the headers of all frames and blocks (RFC 8878, 3.1.1), up to the first that is damaged. */
export function zstdDemands(packed: Buffer): ZstdDemands {
  const demands = { windows: 0, blocks: 0, moved: 0 };
  for (let at = 0; at + SHORTEST_READ <= packed.length;) {
    const magic = packed.readUInt32LE(at);
    if (magic >>> 4 === SKIPPABLE_FRAME) {
      at += 8 + readSize(packed.subarray(at + 4), 4);
      continue;
    }
    if (magic !== FRAME) break;
    const frame = packed.subarray(at);
    const window = zstdWindow(frame);
    demands.windows += window;
    const { blocks, length } = readBlocks(frame);
    demands.blocks += blocks;
    demands.moved += blocks * window;
    at += length;
  }
  return demands;
}

function readBlocks(frame: Buffer): { readonly blocks: number; readonly length: number } {
  const hasChecksum = ((frame[4] ?? 0) & 0x04) !== 0;
  let at = zstdHeaderBytes(frame);
  for (let blocks = 1; ; blocks += 1) {
    if (at + 3 > frame.length) return { blocks, length: frame.length };
    const header = frame.readUIntLE(at, 3);
    const isRepeatedByte = ((header >> 1) & 3) === 1;
    at += 3 + (isRepeatedByte ? 1 : header >> 3);
    if ((header & 1) === 1) return { blocks, length: at + (hasChecksum ? 4 : 0) };
  }
}

function zstdHeaderBytes(frame: Buffer): number {
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
}

/** Returns the bytes of history that a frame demands (RFC 8878, 3.1.1.1). */
function zstdWindow(frame: Buffer): number {
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (!isSingleSegment) {
    const window = frame[5] ?? 0;
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const size = frame.subarray(5 + dictionaryBytes);
  const sizeBytes = [1, 2, 4, 8][descriptor >> 6] ?? 1;
  return readSize(size, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}

/** What is missing at the end counts as zero, as fzstd reads it. */
function readSize(bytes: Buffer, length: number): number {
  const padded = Buffer.alloc(8);
  bytes.copy(padded, 0, 0, length);
  return Number(padded.readBigUInt64LE());
}

export function tooLong(maxBytes: number): TooLarge {
  return new TooLarge(`it is larger than ${maxBytes} bytes when decompressed`);
}
