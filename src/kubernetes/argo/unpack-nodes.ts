/**
 * Unpacks `compressedNodes` within limits. Any user who may create Workflows can write this field, and 900 bytes of it
 * can expand to a gigabyte, so output, nesting and number of values are bounded before anything is parsed. Pure.
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { TooLarge, tooLong, unpackZstd } from '../../compression/unpack-zstd';
import { describeError } from '../../errors/sluice-error';
import { parseCrowdedJson } from '../../event/json';
import { isRecord } from '../kubernetes-object';

export interface UnpackLimits {
  readonly maxBytes: number;
  readonly maxValues: number;
}

/** Above what an object of etcd's 1.5 MiB unpacks to in practice: nodes compress about twelvefold. */
export const UNPACK_LIMITS: UnpackLimits = { maxBytes: 24 * 1024 * 1024, maxValues: 1_000_000 };

const ZSTD_MAGIC = 0x28b52ffd;
/** Nodes are about ten levels deep. */
const MAX_DEPTH = 100;

/** Throws `TooLarge` above a limit, and an Error that never quotes the content if it cannot be read. */
export function unpackNodes(compressedNodes: string, limits: UnpackLimits = UNPACK_LIMITS): Record<string, unknown> {
  const text = inflate(Buffer.from(compressedNodes, 'base64'), limits.maxBytes).toString('utf8');
  if (!hasAtMost(limits.maxValues, text)) throw new TooLarge(`it has more than ${limits.maxValues} values`);
  const parsed = parseCrowdedJson(text, MAX_DEPTH);
  if (!isRecord(parsed)) throw new Error('it is not an object');
  return parsed;
}

/** Returns true for zstd, whose decompressor costs more than its input and output suggest. */
export function isZstd(compressedNodes: string): boolean {
  const head = Buffer.from(compressedNodes.slice(0, 8), 'base64');
  return head.length >= 4 && head.readUInt32BE(0) === ZSTD_MAGIC;
}

function inflate(packed: Buffer, maxBytes: number): Buffer {
  const options = { maxOutputLength: maxBytes };
  try {
    if (packed[0] === 0x1f && packed[1] === 0x8b) return gunzipSync(packed, options);
    if (packed.length >= 4 && packed.readUInt32BE(0) === ZSTD_MAGIC) return unpackZstd(packed, maxBytes);
    return brotliDecompressSync(packed, options);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(maxBytes);
    if (error instanceof TooLarge) throw error;
    throw new Error(`it cannot be decompressed: ${describeError(error)}`, { cause: error });
  }
}

const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;

/** Counts characters that begin or separate values. Those inside strings count too, which only makes it stricter. */
function hasAtMost(maxValues: number, text: string): boolean {
  if (text.length <= maxValues) return true;
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === OPEN_LIST || code === OPEN_OBJECT) values += 1;
    if (values > maxValues) return false;
  }
  return true;
}
