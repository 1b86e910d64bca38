/**
 * Unpacks LZ4 frames, as Kafka's producers write them.
 *
 * Of the libraries that read the format, the maintained ones need a native build. Checksums are not compared: those of
 * the connection and of the broker's log cover the same bytes.
 */

const MAGIC = 0x184d2204;
const LEAST_MATCH = 4;
const LONGEST_NIBBLE = 15;

/** Throws if the frames are damaged, or hold more than `most` bytes. */
export function unpackLz4(packed: Buffer, most: number): Buffer {
  const output = new Output(most);
  for (let at = 0; at < packed.length;) at = unpackFrame(packed, at, output);
  return output.take();
}

/** Returns where the frame ends. */
function unpackFrame(packed: Buffer, start: number, output: Output): number {
  if (packed.readUInt32LE(start) !== MAGIC) throw new Error('compressed records are no LZ4 frame');
  const flags = packed.readUInt8(start + 4);
  const hasBlockChecksums = (flags & 0x10) !== 0;
  const hasSize = (flags & 0x08) !== 0;
  const hasChecksum = (flags & 0x04) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  let at = start + 6 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0) + 1;
  for (;;) {
    const header = packed.readUInt32LE(at);
    at += 4;
    if (header === 0) return at + (hasChecksum ? 4 : 0);
    const size = header & 0x7fff_ffff;
    if (at + size > packed.length) throw new Error('compressed records end within an LZ4 block');
    const block = packed.subarray(at, at + size);
    if (header >>> 31 === 1) output.append(block);
    else unpackBlock(block, output);
    at += size + (hasBlockChecksums ? 4 : 0);
  }
}

function unpackBlock(block: Buffer, output: Output): void {
  let at = 0;
  const extend = (length: number): number => {
    if (length < LONGEST_NIBBLE) return length;
    for (;;) {
      const more = block.readUInt8(at);
      at += 1;
      length += more;
      if (more < 255) return length;
    }
  };
  while (at < block.length) {
    const token = block.readUInt8(at);
    at += 1;
    const literals = extend(token >>> 4);
    if (at + literals > block.length) throw new Error('compressed records end within LZ4 literals');
    output.append(block.subarray(at, at + literals));
    at += literals;
    if (at === block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    output.repeat(distance, extend(token & LONGEST_NIBBLE) + LEAST_MATCH);
  }
}

/** Grows as needed. */
class Output {
  private buffer = Buffer.allocUnsafe(64 * 1024);
  private length = 0;

  constructor(private readonly most: number) {}

  append(bytes: Buffer): void {
    this.reserve(bytes.length);
    bytes.copy(this.buffer, this.length);
    this.length += bytes.length;
  }

  /** The last bytes again, which may overlap what they make. */
  repeat(distance: number, count: number): void {
    if (distance === 0 || distance > this.length) throw new Error('compressed records refer to bytes before them');
    this.reserve(count);
    for (let index = 0; index < count; index += 1) {
      this.buffer[this.length + index] = this.buffer[this.length + index - distance] ?? 0;
    }
    this.length += count;
  }

  take(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.most) throw new Error(`compressed records expand to more than ${this.most} bytes`);
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.buffer.length));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
