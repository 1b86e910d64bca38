/**
 * Checks what a NATS server sends, as it arrives. Its client collects a message until it ends, and a server that a manifest
 * names can announce one of two gigabytes; a line that the client cannot read it prints as it is.
 */
import { errorProperty } from '../../errors/foreign-errors';

/** INFO lists the servers of a cluster; subjects of messages are far shorter. */
const LONGEST_LINE = 1024 * 1024;
/** NATS accepts no `max_payload` above it. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** Subject, subscription, the subject for replies if there is one, and sizes; a subject may have any other byte. */
const MESSAGE = /^MSG[ \t]+[^ \t\r\n]+[ \t]+\d{1,15}[ \t]+(?:[^ \t\r\n]+[ \t]+)?(\d{1,15})[ \t]*\r?\n$/i;
const WITH_HEADERS =
  /^HMSG[ \t]+[^ \t\r\n]+[ \t]+\d{1,15}[ \t]+(?:[^ \t\r\n]+[ \t]+)?(\d{1,15})[ \t]+(\d{1,15})[ \t]*\r?\n$/i;
const OTHER = /^(?:PING|PONG|\+OK|-ERR\b[^\n]*)[ \t]*\r?\n$/i;
const INFO = /^INFO\s+(\{.*\})\s*$/is;
const VERSION = /^\d+\.\d+\.\d+/;
const SERVER = /^(?:\[[0-9a-f:.%]+\]|[\w.-]+)(?::\d{1,5})?$/i;

export class MessageLimits {
  /** Bytes of a message that are still to come, with its end of line. */
  private inMessage = 0;
  private line: Buffer[] = [];
  private lineLength = 0;

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
      this.lineLength += until - at;
      if (this.lineLength > LONGEST_LINE) return `a line has more than ${LONGEST_LINE} bytes`;
      this.line.push(Buffer.from(chunk.subarray(at, until)));
      at = until;
      const problem = end < 0 ? undefined : this.endLine();
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  private endLine(): string | undefined {
    const line = Buffer.concat(this.line).toString('latin1');
    this.line = [];
    this.lineLength = 0;
    const [, headers = '0', withHeaders] = WITH_HEADERS.exec(line) ?? [];
    const bytes = withHeaders ?? MESSAGE.exec(line)?.[1];
    if (bytes !== undefined) {
      const size = Number(bytes);
      if (size > LONGEST_MESSAGE) return `a message has ${size} bytes`;
      if (Number(headers) > size) return 'the headers of a message exceed it';
      this.inMessage = size + 2;
      return undefined;
    }
    return OTHER.test(line) || isIntroduction(line) ? undefined : 'a line is not one of its protocol';
  }
}

/** Whether the client can read it. */
function isIntroduction(line: string): boolean {
  try {
    const info: unknown = JSON.parse(INFO.exec(line)?.[1] ?? '');
    const [version, servers] = [errorProperty(info, 'version'), errorProperty(info, 'connect_urls') ?? []];
    if (typeof version !== 'string' || !VERSION.test(version)) return false;
    return Array.isArray(servers) && servers.every((server) => typeof server === 'string' && SERVER.test(server));
  } catch {
    return false;
  }
}
