/**
 * Short, stable names for long ones: they fit a search attribute, an object name or a terminal column.
 *
 * Pure JavaScript on purpose: workflow code has no `node:crypto`, and the same event must get the same short id there
 * and everywhere else.
 */
import { hash } from 'fast-sha256';

const SHORT_ID_LENGTH = 12;
/** Lower case without `0 1 l o`: legal in Kubernetes names, easy to read aloud, one character per 5 bits. */
const ALPHABET = '23456789abcdefghijkmnpqrstuvwxyz';

const utf8 = new TextEncoder();

/** 12 characters (60 bits of SHA-256) for an event key: `stac/items:stac-events:1-0` → `7q3m…`. */
export function shortEventId(key: string): string {
  return shortHash(key, SHORT_ID_LENGTH);
}

/** The first `length` characters (5 bits each, at most 51) of the text's SHA-256. */
export function shortHash(text: string, length: number): string {
  const digest = hash(utf8.encode(text));
  let characters = '';
  let bits = 0;
  let pending = 0;
  for (const byte of digest) {
    pending = (pending << 8) | byte;
    bits += 8;
    while (bits >= 5 && characters.length < length) {
      bits -= 5;
      characters += ALPHABET.charAt((pending >> bits) & 31);
    }
    if (characters.length === length) break;
    pending &= (1 << bits) - 1;
  }
  return characters;
}

/** The short id of an event, given its key or its short id. */
export function toShortEventId(keyOrShortId: string): string {
  return isShortEventId(keyOrShortId) ? keyOrShortId : shortEventId(keyOrShortId);
}

/** True if the text has the form of a short id; an event key never has it. */
export function isShortEventId(text: string): boolean {
  return text.length === SHORT_ID_LENGTH && [...text].every((character) => ALPHABET.includes(character));
}
