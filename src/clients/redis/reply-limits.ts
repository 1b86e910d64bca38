/**
 * Measures the replies of a Redis server (RESP 2) as they arrive.
 *
 * The client collects a reply until it ends, and a server that a manifest names can send one without an end.
 */

/** A line is a number, a status or an error. */
const LONGEST_LINE = 64 * 1024;
/** More than any event bus takes; Redis itself stores up to 512 MB. */
const LONGEST_TEXT = 64 * 1024 * 1024;
const MOST_BYTES = 128 * 1024 * 1024;
const MOST_ITEMS = 1_000_000;
const MOST_LEVELS = 32;

const [LINE_FEED, TEXT, LIST] = ['\n', '$', '*'].map((sign) => sign.charCodeAt(0));

export class ReplyLimits {
  /** Bytes of a text that are still to come, with its end of line. */
  private inText = 0;
  private line = '';
  private lineLength = 0;
  /** Items to come of each list that is open. */
  private readonly open: number[] = [];
  private bytes = 0;
  private items = 0;

  /** Returns why the reply is not one to wait for; undefined if all is well. */
  add(chunk: Buffer): string | undefined {
    this.bytes += chunk.length;
    for (let at = 0; at < chunk.length;) {
      if (this.inText > 0) {
        const skipped = Math.min(this.inText, chunk.length - at);
        this.inText -= skipped;
        at += skipped;
        if (this.inText === 0) this.endItem(chunk.length - at);
        continue;
      }
      const end = chunk.indexOf(LINE_FEED ?? 0, at);
      const until = end < 0 ? chunk.length : end + 1;
      this.lineLength += until - at;
      // The type and a number, and never more than that of a long line.
      if (this.line.length < 32) this.line += chunk.toString('latin1', at, Math.min(until, at + 32));
      if (this.lineLength > LONGEST_LINE) return 'a line of a reply is too long';
      at = until;
      if (end < 0) break;
      const problem = this.endLine(chunk.length - at);
      if (problem !== undefined) return problem;
    }
    return this.bytes > MOST_BYTES ? 'a reply is too long' : undefined;
  }

  private endLine(restOfChunk: number): string | undefined {
    const type = this.line.charCodeAt(0);
    const count = Number.parseInt(this.line.slice(1), 10);
    this.line = '';
    this.lineLength = 0;
    this.items += 1;
    if (this.items > MOST_ITEMS) return 'a reply has too many items';
    if (type === TEXT && count >= 0) {
      if (count > LONGEST_TEXT) return `a text of a reply has ${count} bytes`;
      this.inText = count + 2;
    } else if (type === LIST && count > 0) {
      if (count > MOST_ITEMS) return `a list of a reply has ${count} items`;
      if (this.open.length >= MOST_LEVELS) return 'a reply is nested too deeply';
      this.open.push(count);
    } else this.endItem(restOfChunk);
    return undefined;
  }

  private endItem(restOfChunk: number): void {
    while (this.open.length > 0) {
      const left = (this.open.pop() ?? 1) - 1;
      if (left > 0) {
        this.open.push(left);
        return;
      }
    }
    this.items = 0;
    this.bytes = restOfChunk;
  }
}
