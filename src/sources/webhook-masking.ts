/**
 * Callers' credentials: which headers and query parameters never reach an event.
 *
 * Decided by name alone, because an event source cannot know which values are secret. `Authorization` is masked whatever
 * the manifest says; the rest by the list below, which the annotation `sluice.io/masked-headers` changes.
 */
import type { MaskedHeaders } from '../manifest/masked-headers';

/** The text that Argo Events writes in place of an `Authorization` header. */
const MASK = '*** Masked Auth Secret ***';
const ALWAYS_MASKED = 'authorization';

/** `*` stands for any characters. `Idempotency-Key`, CloudEvents headers and trace context match none of them. */
const MASKED_BY_DEFAULT: readonly string[] = [
  '*authorization*',
  '*cookie*',
  '*token*',
  '*secret*',
  '*password*',
  '*passwd*',
  '*credential*',
  '*signature*',
  '*session*',
  '*jwt*',
  '*api*key*',
  '*access*key*',
  '*auth*key*',
  '*private*key*',
  '*subscription-key*',
  '*functions-key*',
  '*client*key*',
  '*authentication*',
  'auth',
  '*-auth',
  '*_auth',
  '*bearer*',
  '*hmac*',
  'sig',
  '*-sig',
  '*_sig',
  '*passphrase*',
  '*pwd*',
  'pass',
  '*-pass',
  '*_pass',
];

export type Values = Readonly<Record<string, readonly string[]>>;

export class CredentialMask {
  private readonly masked: readonly string[];
  private readonly shown: readonly string[];

  constructor({ only, add = [], show = [] }: MaskedHeaders = {}) {
    this.masked = [...(only ?? MASKED_BY_DEFAULT), ...add].map((name) => name.toLowerCase());
    this.shown = show.map((name) => name.toLowerCase());
  }

  /** The same names; a masked one has the mask as its only value. */
  apply(values: Values): Record<string, string[]> {
    return Object.fromEntries(
      Object.entries(values).map(([name, list]) => [name, this.isMasked(name) ? [MASK] : [...list]]),
    );
  }

  private isMasked(name: string): boolean {
    const lower = name.toLowerCase();
    if (lower === ALWAYS_MASKED) return true;
    const matches = (pattern: string): boolean => matchesPattern(lower, pattern);
    return this.masked.some(matches) && !this.shown.some(matches);
  }
}

/** Linear in the name, which a caller chooses. */
function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
