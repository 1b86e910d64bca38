/** A short name for a text of any length. Native, because an API may send megabytes of tokens and thousands of entries. */
import { createHash } from 'node:crypto';

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
