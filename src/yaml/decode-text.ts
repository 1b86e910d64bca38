/** Decodes the bytes of a file to text, without altering bytes that are not UTF-8. */

import { isUtf8 } from 'node:buffer';

/** Reads UTF-16 with a byte order mark, as PowerShell writes it, like kubectl. Throws for all other encodings. */
export function decodeText(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    const line = lineOfFirstBadByte(bytes);
    throw new Error(
      `line ${line} is not UTF-8, but probably Latin-1 or Windows-1252; convert the file: ` +
        'iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW',
    );
  }
  throw new Error('holds zero bytes: either UTF-16 without a byte order mark or not text; save it as UTF-8');
}

function lineOfFirstBadByte(bytes: Buffer): number {
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
    line += 1;
  }
  return line;
}
