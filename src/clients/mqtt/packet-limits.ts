/**
 * Checks what an MQTT broker sends, as it arrives. Its client collects a packet until it ends, and a broker that a
 * manifest names can announce one of 256 MB.
 */

/** Before the broker has accepted the login, packets are a few bytes long. */
const LONGEST_FIRST = 1024;
/** An event on the bus is far smaller; what is longer than that, its reader rejects. */
const LONGEST_PACKET = 64 * 1024 * 1024;
const MOST_LENGTH_BYTES = 4;

export class PacketLimits {
  private limit = LONGEST_FIRST;
  /** Bytes of the packet that are still to come. */
  private inPacket = 0;
  private lengthBytes = 0;
  private length = 0;
  private isInHeader = false;

  /** Returns why the broker is not to be read any further; undefined if all is well. */
  add(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length;) {
      if (this.inPacket > 0) {
        const skipped = Math.min(this.inPacket, chunk.length - at);
        this.inPacket -= skipped;
        at += skipped;
        continue;
      }
      const problem = this.addHeaderByte(chunk[at] ?? 0);
      if (problem !== undefined) return problem;
      at += 1;
    }
    return undefined;
  }

  private addHeaderByte(byte: number): string | undefined {
    if (!this.isInHeader) {
      this.isInHeader = true;
      this.lengthBytes = 0;
      this.length = 0;
      return undefined;
    }
    this.length += (byte & 0x7f) * 128 ** this.lengthBytes;
    this.lengthBytes += 1;
    if (byte >= 0x80) return this.lengthBytes < MOST_LENGTH_BYTES ? undefined : 'the length of a packet does not end';
    if (this.length > this.limit) return `a packet has ${this.length} bytes`;
    this.inPacket = this.length;
    this.isInHeader = false;
    this.limit = LONGEST_PACKET;
    return undefined;
  }
}
