/**
 * IPv4 addresses inside IPv6 addresses: a router on the way may send what is meant for the one to the other. The same
 * address of IPv4 is blocked in each form.
 */

/** Positions of the four bytes, for each prefix of RFC 6052 below which an operator may put IPv4 addresses. */
const NAT64_LAYOUTS: ReadonlyArray<readonly [number, number, number, number]> = [
  [6, 7, 9, 10],
  [7, 9, 10, 11],
  [9, 10, 11, 12],
  [12, 13, 14, 15],
];

/** `address` is a valid IPv6 address; a zone is ignored. */
export function embeddedAddresses(address: string): string[] {
  const bytes = bytesOf(address);
  const at = (...places: readonly number[]): string => places.map((place) => bytes[place] ?? 0).join('.');
  const beginsWith = (...groups: readonly number[]): boolean =>
    groups.every((group, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0) === group);
  // 6to4.
  if (beginsWith(0x2002)) return [at(2, 3, 4, 5)];
  // Teredo, whose client address is inverted.
  if (beginsWith(0x2001, 0))
    return [at(4, 5, 6, 7), [12, 13, 14, 15].map((place) => 255 - (bytes[place] ?? 0)).join('.')];
  // NAT64: the well-known prefix, and the one for local use, at every length.
  if (beginsWith(0x64, 0xff9b, 0, 0, 0, 0)) return [at(12, 13, 14, 15)];
  if (beginsWith(0x64, 0xff9b, 1)) return NAT64_LAYOUTS.map((places) => at(...places));
  // IPv4-compatible and IPv4-translated addresses.
  if (beginsWith(0, 0, 0, 0, 0, 0) || beginsWith(0, 0, 0, 0, 0xffff, 0)) return [at(12, 13, 14, 15)];
  // ISATAP.
  const interfaceId = [8, 9, 10, 11].map((place) => bytes[place]).join('.');
  return interfaceId === '0.0.94.254' || interfaceId === '2.0.94.254' ? [at(12, 13, 14, 15)] : [];
}

function bytesOf(address: string): number[] {
  const [text = ''] = address.split('%');
  // Writes an IPv4 tail in hexadecimal, too.
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string | undefined): string[] => (part === undefined || part === '' ? [] : part.split(':'));
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return [...first, ...zeros, ...last].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}
