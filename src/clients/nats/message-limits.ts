/**
 * Measures what a NATS server sends, as it arrives: its client collects a message until it ends, and a server that a
 * manifest names can announce one of two gigabytes.
 */

/** INFO lists the servers of a cluster; subjects and headers of messages are far shorter. */
const LONGEST_LINE = 1024 * 1024;
/** NATS accepts no `max_payload` above it. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;
const LONGEST_KEPT = 128;
const LINE_FEED = 0x0a;

export class MessageLimits {
  /** Bytes of a message that are still to come, with its end of line. */
  private inMessage = 0;
  private lineLength = 0;
  /** The end of the line, where the size of a message stands. */
  private tail = '';
  private isMessage = false;

  /** Returns why the server is not to be read any further; undefined if all is well. */
  add(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length;) {
      if (this.inMessage > 0) {
        const skipped = Math.min(this.inMessage, chunk.length - at);
        this.inMessage -= skipped;
        at += skipped;
        continue;
      }
      const end = chunk.indexOf(LINE_FEED, at);
      const until = end < 0 ? chunk.length : end + 1;
      if (this.lineLength === 0) this.isMessage = isStartOfMessage(chunk[at]);
      this.lineLength += until - at;
      if (this.lineLength > LONGEST_LINE) return `a line has more than ${LONGEST_LINE} bytes`;
      const part = Buffer.from(chunk.subarray(Math.max(at, until - LONGEST_KEPT), until)).toString('latin1');
      this.tail = (this.tail + part).slice(-LONGEST_KEPT);
      at = until;
      if (end >= 0) {
        const bytes = this.isMessage ? Number(/(\d+)\s*$/.exec(this.tail)?.[1] ?? 0) : 0;
        if (bytes > LONGEST_MESSAGE) return `a message has ${bytes} bytes`;
        this.inMessage = this.isMessage ? bytes + 2 : 0;
        this.lineLength = 0;
        this.tail = '';
      }
    }
    return undefined;
  }
}

/** `MSG` and `HMSG`, in either case; the others have no payload. */
function isStartOfMessage(byte: number | undefined): boolean {
  return byte !== undefined && 'MmHh'.includes(String.fromCharCode(byte));
}
