/** Returns the beginning of a text, with `…` if something was cut off. */
export function shorten(text: string, maxBytes: number): string {
  // A UTF-16 code unit takes at most three bytes, so most texts need no copy to be measured.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text.slice(0, maxBytes + 1));
  if (bytes.length <= maxBytes) return text;
  // A character cut in two decodes to the replacement character.
  return `${bytes.subarray(0, maxBytes).toString('utf8').replace(/�+$/, '')}…`;
}
