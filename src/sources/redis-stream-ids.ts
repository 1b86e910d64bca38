/** Ids of Redis stream entries, `<milliseconds>-<sequence>`, each part up to 64 bits. */

export const BEFORE_ALL = '0-0';
const LAST_SEQUENCE = 0xffff_ffff_ffff_ffffn;

interface Parts {
  readonly ms: bigint;
  readonly sequence: bigint;
}

function parse(id: string): Parts {
  const [, ms = '0', sequence = '0'] = /^(\d+)(?:-(\d+))?$/.exec(id) ?? [];
  return { ms: BigInt(ms), sequence: BigInt(sequence) };
}

/** Returns a negative number, zero or a positive number, as for `sort`. */
export function compareIds(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left.ms !== right.ms) return left.ms < right.ms ? -1 : 1;
  if (left.sequence !== right.sequence) return left.sequence < right.sequence ? -1 : 1;
  return 0;
}

/** Returns the greatest smaller id. */
export function idBefore(id: string): string {
  const { ms, sequence } = parse(id);
  if (sequence > 0n) return `${ms}-${sequence - 1n}`;
  return ms > 0n ? `${ms - 1n}-${LAST_SEQUENCE}` : BEFORE_ALL;
}

export function isEntryId(value: unknown): value is string {
  return typeof value === 'string' && /^\d+-\d+$/.test(value);
}
