/**
 * Headers of a record, in place of how kafkajs reads them: it copies all for each, so that 6,000 of them in 60 KB stop the
 * worker for half a minute, and it believes any number of them, also beyond the end of the record. Whoever may write to
 * a topic chooses them.
 */
import Decoder from 'kafkajs/src/protocol/decoder';

interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

type Values = Buffer | null | Array<Buffer | null>;

/** Each takes two bytes at least: the lengths of its name and its value. */
const LEAST_BYTES = 2;

/** What kafkajs makes an object of; all that it calls is `reduce`. */
class HeaderList {
  constructor(private readonly headers: readonly Header[]) {}

  reduce(): Record<string, Values> {
    const byName = new Map<string, Values>();
    for (const { key, value } of this.headers) {
      const former = byName.get(key);
      if (Array.isArray(former)) former.push(value);
      else byName.set(key, former === undefined ? value : [former, value]);
    }
    return Object.fromEntries(byName);
  }
}

Decoder.prototype.readVarIntArray = function (this: Decoder, read: (decoder: Decoder) => Header): HeaderList {
  const count = this.readVarInt();
  if (count * LEAST_BYTES > this.buffer.length - this.offset)
    throw new Error('a record has fewer headers than it says');
  const headers: Header[] = [];
  for (let index = 0; index < count; index += 1) headers.push(read(this));
  return new HeaderList(headers);
};
