import { createHash } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface OperatorMode {
  /** Lines for the server's configuration: operator, accounts, resolver. */
  configuration: string;
  /** Content of a credentials file for one user who may do everything in one account. */
  credentials: string;
  /** Another credentials file for the same account; the server ends its connections when it expires. */
  issue(expiresAt: Date): string;
}

const UNLIMITED = -1;
const ACCOUNT_LIMITS = {
  ...{ subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED, conn: UNLIMITED, leaf: UNLIMITED },
  ...{ imports: UNLIMITED, exports: UNLIMITED, wildcards: true },
};
const JETSTREAM_LIMITS = {
  ...{ mem_storage: UNLIMITED, disk_storage: UNLIMITED, streams: UNLIMITED, consumer: UNLIMITED },
};

/** Creates the same as `nsc`: an operator, a system account, an account with JetStream, and a user's credentials. */
export function createOperatorMode(): OperatorMode {
  const operator = nkeys.createOperator();
  const systemAccount = nkeys.createAccount();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const claims = (type: string, more: object = {}) => ({ ...more, type, version: 2 });

  const operatorToken = signToken(operator, operator, 'sluice-dev', claims('operator'));
  const systemToken = signToken(operator, systemAccount, 'SYS', claims('account', { limits: ACCOUNT_LIMITS }));
  const limits = { ...ACCOUNT_LIMITS, ...JETSTREAM_LIMITS };
  const accountToken = signToken(operator, account, 'sluice', claims('account', { limits }));
  const userLimits = { subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED };
  const userClaims = claims('user', { pub: {}, sub: {}, ...userLimits });
  const issue = (expiresAt?: Date): string =>
    formatCredentials(signToken(account, user, 'sluice', userClaims, expiresAt), user);

  return {
    configuration: `operator: ${operatorToken}
system_account: ${systemAccount.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${systemAccount.getPublicKey()}: ${systemToken}
  ${account.getPublicKey()}: ${accountToken}
}`,
    credentials: issue(),
    issue,
  };
}

function formatCredentials(token: string, user: KeyPair): string {
  return `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${Buffer.from(user.getSeed()).toString('ascii')}
------END USER NKEY SEED------
`;
}

function signToken(issuer: KeyPair, subject: KeyPair, name: string, nats: object, expiresAt?: Date): string {
  const base = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats,
    ...(expiresAt && { exp: Math.floor(expiresAt.getTime() / 1000) }),
  };
  const jti = createHash('sha256').update(JSON.stringify(base)).digest('hex');
  const signed = `${encodePart({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encodePart({ ...base, jti })}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}

function encodePart(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
