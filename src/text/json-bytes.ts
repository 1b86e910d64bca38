/** Size of a value written as JSON in UTF-8, in bytes. Pure. */
const utf8 = new TextEncoder();

export function jsonBytes(value: unknown): number {
  return utf8.encode(JSON.stringify(value)).length;
}
