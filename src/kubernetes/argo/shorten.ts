/** The beginning of a text, with `…` where something was cut off. */
export function shorten(text: string, maxBytes: number): string {
  // No character of JavaScript's takes more than three bytes, so most texts need no copy to be measured.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text.slice(0, maxBytes + 1));
  if (bytes.length <= maxBytes) return text;
  // A character that was cut in two decodes to the replacement character.
  return `${bytes.subarray(0, maxBytes).toString('utf8').replace(/�+$/, '')}…`;
}
