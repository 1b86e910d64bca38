/** The `sluice.io/outcome-redis*` annotations together: the address of the Redis and the credentials for it. */
import type { OUTCOME_REDIS_ANNOTATIONS, SENSOR_ANNOTATIONS, ValuesOf } from './annotation-values';
import type { TlsConfig } from './common';
import type { Findings } from './problem';

/** One key of a Secret in the namespace of the Sensor. */
export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** Field names as in a Redis event source. Plain JSON; names of secrets, never their values. */
export interface OutcomeRedisAccess {
  readonly username?: string;
  readonly password?: SecretKey;
  readonly tls?: TlsConfig;
}

/** Field → annotation (without prefix) that names the Secret. */
export const OUTCOME_REDIS_SECRETS = {
  password: 'outcome-redis-password-secret',
  caCertSecret: 'outcome-redis-ca-secret',
  clientCertSecret: 'outcome-redis-client-cert-secret',
  clientKeySecret: 'outcome-redis-client-key-secret',
} as const;

export type OutcomeRedisSecret = keyof typeof OUTCOME_REDIS_SECRETS;

type Values = ValuesOf<typeof SENSOR_ANNOTATIONS & typeof OUTCOME_REDIS_ANNOTATIONS>;
type Name = keyof Values & `outcome-redis-${string}`;

const TLS_SECRETS = ['outcome-redis-ca-secret', 'outcome-redis-client-cert-secret', 'outcome-redis-client-key-secret'];
const NAMES: readonly Name[] = [
  'outcome-redis-username',
  'outcome-redis-password-secret',
  'outcome-redis-tls',
  'outcome-redis-ca-secret',
  'outcome-redis-client-cert-secret',
  'outcome-redis-client-key-secret',
];

/** @param at returns the collector for the annotation of that name. */
export function readOutcomeRedisAccess(values: Values, at: (name: Name) => Findings): OutcomeRedisAccess | undefined {
  const given = NAMES.filter((name) => values[name] !== undefined);
  checkTogether(values, given, at);
  const password = values['outcome-redis-password-secret'];
  const username = values['outcome-redis-username'];
  const tls = readTls(values);
  if (password === undefined && tls === undefined) return undefined;
  return { ...(username !== undefined && { username }), ...(password && { password }), ...(tls && { tls }) };
}

/** All secrets of `access`, with the field that names each. */
export function listOutcomeRedisSecrets(
  access: OutcomeRedisAccess | undefined,
): ReadonlyArray<{ readonly field: OutcomeRedisSecret; readonly secret: SecretKey }> {
  const { caCertSecret, clientCertSecret, clientKeySecret } = access?.tls ?? {};
  const all = { password: access?.password, caCertSecret, clientCertSecret, clientKeySecret };
  return (Object.keys(OUTCOME_REDIS_SECRETS) as OutcomeRedisSecret[]).flatMap((field) => {
    const secret = all[field];
    return secret === undefined ? [] : [{ field, secret }];
  });
}

function readTls(values: Values): TlsConfig | undefined {
  const choice = values['outcome-redis-tls'];
  if (choice === undefined || choice === 'false') return undefined;
  if (choice === 'skip-verify') return { insecureSkipVerify: true };
  const ca = values['outcome-redis-ca-secret'];
  const cert = values['outcome-redis-client-cert-secret'];
  const key = values['outcome-redis-client-key-secret'];
  return {
    enabled: true,
    ...(ca && { caCertSecret: ca }),
    ...(cert && { clientCertSecret: cert }),
    ...(key && { clientKeySecret: key }),
  };
}

function checkTogether(values: Values, given: readonly Name[], at: (name: Name) => Findings): void {
  if (values['outcome-redis'] === undefined) {
    for (const name of given) {
      at(name).error('has no meaning without sluice.io/outcome-redis', {
        fix: 'Add sluice.io/outcome-redis with host:port.',
      });
    }
    return;
  }
  if (values['outcome-redis-username'] !== undefined && values['outcome-redis-password-secret'] === undefined) {
    at('outcome-redis-username').error('has no meaning without sluice.io/outcome-redis-password-secret', {
      fix: "Name the Secret with this user's password, as <secret>/<key>.",
    });
  }
  if (values['outcome-redis-tls'] !== 'true') {
    for (const name of given.filter((candidate) => TLS_SECRETS.includes(candidate))) {
      at(name).error("has no meaning without sluice.io/outcome-redis-tls: 'true'", {
        fix: "Set sluice.io/outcome-redis-tls to 'true', or remove this one.",
      });
    }
  }
  const [cert, key] = ['outcome-redis-client-cert-secret', 'outcome-redis-client-key-secret'] as const;
  if ((values[cert] === undefined) !== (values[key] === undefined)) {
    const [present, missing] = values[cert] === undefined ? [key, cert] : [cert, key];
    at(present).error('a client certificate needs its key, and the other way round', {
      fix: `Add sluice.io/${missing}, or remove this one.`,
    });
  }
}
