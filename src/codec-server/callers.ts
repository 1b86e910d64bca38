/** Access to a codec server: with a token from a list, or with a JWT that an issuer signed for this server. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose' with { 'resolution-mode': 'import' };
import { SluiceError } from '../errors/sluice-error';

/** Returns a name for the log; undefined if the token is not accepted. */
export type CheckToken = (token: string) => Promise<string | undefined>;

/** Shorter tokens could be guessed over the network. */
const MIN_TOKEN_CHARACTERS = 32;

/** Reads lines of `name: token`. Errors never quote a token. @throws SluiceError USAGE */
export function readTokens(text: string, origin: string): CheckToken {
  const tokens = new Map<string, Buffer>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const [, name = '', token = ''] = /^([A-Za-z0-9._@-]+)\s*:\s*(\S+)$/.exec(entry) ?? [];
    const problem =
      name === ''
        ? 'is not of the form "name: token"'
        : token.length < MIN_TOKEN_CHARACTERS
          ? `has a token of ${token.length} characters, expected at least ${MIN_TOKEN_CHARACTERS}`
          : tokens.has(name)
            ? `names "${name}" again`
            : undefined;
    if (problem !== undefined) {
      throw new SluiceError('USAGE', {
        message: `${origin}: line ${index + 1} ${problem}`,
        fix: 'Write one "name: token" per line, each token generated with: openssl rand -hex 32',
      });
    }
    tokens.set(name, digest(token));
  }
  if (tokens.size === 0) {
    throw new SluiceError('USAGE', { message: `${origin} holds no token`, fix: 'Write "name: token" into it' });
  }
  return (token) => {
    const given = digest(token);
    // Compares all tokens, in equal time each.
    const found = [...tokens].filter(([, known]) => timingSafeEqual(known, given));
    return Promise.resolve(found[0]?.[0]);
  };
}

export interface JwtRules {
  /** Where the issuer publishes its keys. */
  readonly jwksUrl: string;
  readonly issuer: string;
  /** Without it every token of the issuer would be accepted, even those for other programs. */
  readonly audience: string;
  /** Claims that a token must have: equal to the value, or a list that contains it. */
  readonly claims: ReadonlyArray<readonly [name: string, value: string]>;
}

/** Public-key signatures only: a shared secret would have to be stored here. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Errors of the issuer, not of the token: its keys timed out, came with another status than 200, or were not keys. */
const OF_THE_ISSUER = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];

export async function acceptJwts({ jwksUrl, issuer, audience, claims }: JwtRules): Promise<CheckToken> {
  const { createRemoteJWKSet, errors, jwtVerify } = await import('jose');
  const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(jwksUrl));
  return async (token) => {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
      }));
    } catch (error) {
      if (error instanceof errors.JOSEError && !OF_THE_ISSUER.includes(error.code)) return undefined;
      throw error;
    }
    if (!claims.every(([name, value]) => hasClaim(payload[name], value))) return undefined;
    const { email, sub } = payload;
    return typeof email === 'string' ? email : (sub ?? 'a token without sub');
  };
}

/** Tries the checks one after the other. */
export function anyOf(checks: readonly CheckToken[]): CheckToken {
  return async (token) => {
    for (const check of checks) {
      const name = await check(token);
      if (name !== undefined) return name;
    }
    return undefined;
  };
}

function hasClaim(found: unknown, value: string): boolean {
  return Array.isArray(found) ? found.includes(value) : found === value;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
