/**
 * Callers' credentials: the headers and query parameters that never reach an event.
 *
 * Decided by name alone, because an event source cannot know which values are secret. `Authorization` is always masked;
 * the others by the lists below, which the annotation `sluice.io/masked-headers` changes. URLs in the remaining values,
 * as in `Referer`, lose their credentials by the same names.
 */
import type { MaskedHeaders } from '../manifest/masked-headers';
import { maskUrls } from './masked-urls';

/** The text that Argo Events writes in place of an `Authorization` header. */
export const MASK = '*** Masked Auth Secret ***';
const ALWAYS_MASKED = 'authorization';

/** `*` matches any characters. `Idempotency-Key`, CloudEvents headers and trace context match none of them. */
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
  'key',
  'x-key',
  '*app-key',
  '*app_key',
  'appkey',
];

/** Names that mean something else, or nothing, among headers: API keys, OAuth, SAML, CAS and one-time passwords. */
const MASKED_PARAMETERS_BY_DEFAULT: readonly string[] = [
  'code',
  'sid',
  'ticket',
  'assertion',
  'client_assertion',
  'saml*',
  'otp',
  'pin',
  'pw',
];

export type Values = Readonly<Record<string, readonly string[]>>;

export class CredentialMask {
  private readonly masked: readonly string[];
  private readonly maskedParameters: readonly string[];
  private readonly shown: readonly string[];

  constructor({ only, add = [], show = [] }: MaskedHeaders = {}) {
    this.masked = inLowerCase([...(only ?? MASKED_BY_DEFAULT), ...add]);
    this.maskedParameters = only === undefined ? MASKED_PARAMETERS_BY_DEFAULT : [];
    this.shown = inLowerCase(show);
  }

  /** Keeps all names; a masked one has the mask as its only value. */
  headers(values: Values): Record<string, string[]> {
    return this.apply(values, (name) => this.isMaskedHeader(name));
  }

  /** As `headers`, for a query. */
  parameters(values: Values): Record<string, string[]> {
    return this.apply(values, (name) => this.isMaskedParameter(name));
  }

  private apply(values: Values, isMasked: (name: string) => boolean): Record<string, string[]> {
    return Object.fromEntries(
      Object.entries(values).map(([name, list]) => [name, isMasked(name) ? [MASK] : this.maskAddresses(name, list)]),
    );
  }

  private maskAddresses(name: string, list: readonly string[]): string[] {
    if (matchesAny(name.toLowerCase(), this.shown)) return [...list];
    return list.map((value) => maskUrls(value, (parameter) => this.isMaskedParameter(parameter)));
  }

  private isMaskedHeader(name: string): boolean {
    const lower = name.toLowerCase();
    return lower === ALWAYS_MASKED || (matchesAny(lower, this.masked) && !matchesAny(lower, this.shown));
  }

  private isMaskedParameter(name: string): boolean {
    const lower = name.toLowerCase();
    const isNamed = matchesAny(lower, this.maskedParameters) && !matchesAny(lower, this.shown);
    return isNamed || this.isMaskedHeader(name);
  }
}

function inLowerCase(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
}

function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesPattern(name, pattern));
}

/** Linear in the length of the name, which a caller chooses. */
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
