/** How much a value takes where it is written as JSON in UTF-8. Pure. */
const utf8 = new TextEncoder();

export function jsonBytes(value: unknown): number {
  return utf8.encode(JSON.stringify(value)).length;
}
