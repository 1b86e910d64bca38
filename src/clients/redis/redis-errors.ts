/** Explains errors of Redis and the network: what they mean, and what an operator can do about them. */
import { errorCode, errorText } from '../../errors/foreign-errors';
import { describeError, type SluiceError } from '../../errors/sluice-error';
import { AddressBlocked, BLOCKED_ADDRESS_FIX } from '../blocked-addresses';
import type { ConnectionOwner } from '../connection-owner';
import type { FailureVerdict } from '../reconnection';

/** A finding about a server beyond what its replies say. */
export type RedisMismatch = 'sentinel' | 'unknown master' | 'server speaks TLS' | 'server speaks no TLS';

/** The server does not match its description in the manifest. */
export class RedisMismatchError extends Error {
  constructor(readonly mismatch: RedisMismatch) {
    super(MISMATCHES[mismatch].message);
  }
}

const MISMATCHES: Readonly<Record<RedisMismatch, { readonly message: string; readonly fix: string }>> = {
  sentinel: {
    message: 'this is a Redis Sentinel, which serves neither streams nor Pub/Sub channels of the master',
    fix: 'Set `sentinel.master` to the name of the master, or the address to the master itself.',
  },
  'unknown master': {
    message: 'the Sentinel knows no master of this name',
    fix: 'Correct `sentinel.master`: `SENTINEL MASTERS` lists the names.',
  },
  'server speaks TLS': {
    message: 'the server speaks TLS, and the manifest sets no `tls`',
    fix: 'Set `tls` in the manifest, or use the port without TLS.',
  },
  'server speaks no TLS': {
    message: 'the server does not speak TLS, and the manifest sets `tls`',
    fix: 'Use the TLS port of the server, or remove `tls` from the manifest.',
  },
};

interface Explanation {
  readonly verdict: FailureVerdict;
  readonly fix: string;
}

const ACCESS = 'Check user, password and TLS in the manifest, and the permissions of the user.';
const CLUSTER =
  'The nodes of this Redis Cluster refer to each other without end, or to one that cannot be reached: see `CLUSTER NODES`.';

/** Error replies by code, their first word. */
const REPLIES: Readonly<Record<string, Explanation>> = {
  WRONGPASS: { verdict: 'credentials', fix: 'Check user and password in the manifest and its Secret.' },
  NOAUTH: { verdict: 'credentials', fix: 'Name the Secret with the password in the manifest.' },
  NOPERM: {
    verdict: 'permanent',
    fix: 'Grant the user the permission that Redis names: docs/sources/ lists the required commands.',
  },
  DENIED: { verdict: 'permanent', fix: 'Redis is in protected mode: give it a password or bind it to an address.' },
  WRONGTYPE: {
    verdict: 'permanent',
    fix: 'A key named in `streams` is not a stream: name another key, or remove it.',
  },
  MOVED: { verdict: 'permanent', fix: CLUSTER },
  ASK: { verdict: 'transient', fix: 'A key is moving to another node of the Cluster.' },
  TRYAGAIN: { verdict: 'transient', fix: 'A key is moving to another node of the Cluster.' },
  CROSSSLOT: { verdict: 'permanent', fix: CLUSTER },
  CLUSTERDOWN: { verdict: 'transient', fix: 'The Cluster is incomplete: see `CLUSTER INFO`.' },
  READONLY: {
    verdict: 'transient',
    fix: 'This server is a replica: point the address to the master. Sluice reconnects until it does.',
  },
  MASTERDOWN: { verdict: 'transient', fix: 'This replica has lost its master: point the address to the master.' },
  LOADING: { verdict: 'transient', fix: 'Redis is loading its data; reading starts afterwards.' },
  OOM: { verdict: 'transient', fix: 'Redis has reached its `maxmemory`: raise it, or trim the stream.' },
  MISCONF: { verdict: 'transient', fix: 'Redis cannot write to its disk: see its log.' },
  NOREPLICAS: { verdict: 'transient', fix: 'Redis lacks replicas (`min-replicas-to-write`).' },
};

/** Error replies without a code of their own. */
const REPLY_TEXTS: ReadonlyArray<readonly [RegExp, Explanation]> = [
  [/invalid password/i, { verdict: 'credentials', fix: ACCESS }],
  [
    /DB index is out of range|invalid DB index/i,
    { verdict: 'permanent', fix: 'Check the database in the manifest and `databases` of the server.' },
  ],
  [/AUTH.*called without any password|user executing the script/i, { verdict: 'permanent', fix: ACCESS }],
  [
    /unknown command/i,
    { verdict: 'permanent', fix: 'Streams need Redis 5; a proxy in front of it may lack the command, too.' },
  ],
  [
    /max number of clients/i,
    { verdict: 'transient', fix: 'Redis has reached its `maxclients`: raise it, or close other connections.' },
  ],
];

function explain(error: unknown): Explanation {
  if (error instanceof AddressBlocked) return { verdict: 'permanent', fix: `${BLOCKED_ADDRESS_FIX}.` };
  if (error instanceof RedisMismatchError) return { verdict: 'permanent', fix: MISMATCHES[error.mismatch].fix };
  const text = errorText(error);
  const found = REPLIES[redisErrorCode(error)] ?? REPLY_TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? undefined;
  if (found !== undefined) return found;
  if (/^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(errorCode(error)))
    return { verdict: 'credentials', fix: 'Check TLS in the manifest and the certificates of both sides.' };
  return { verdict: 'transient', fix: 'Check that Redis runs there and can be reached.' };
}

export function redisVerdict(error: unknown): FailureVerdict {
  return explain(error).verdict;
}

/** Returns true if an operator must act: access denied, a key of another type, TLS settings that do not match. */
export function isPermanent(error: unknown): boolean {
  return redisVerdict(error) !== 'transient';
}

/** Returns an error of Redis or the network as one of the owner. */
export function redisFailure(error: unknown, address: string, owner: ConnectionOwner): SluiceError {
  const { verdict, fix } = explain(error);
  return owner.failure(verdict === 'transient' ? 'unreachable' : 'misconfigured', {
    message: `Redis at ${address}: ${describeError(withoutCommand(error))}`,
    fix,
    cause: withoutCommand(error),
  });
}

/** For a status line: omits the server and its owner, which are shown next to it. */
export function describeRedisProblem(error: unknown): string {
  return `${describeError(withoutCommand(error))}. ${explain(error).fix}`;
}

/** Removes the failed command from an error of the client, because the arguments of AUTH are a password. */
export function withoutCommand(error: unknown): Error {
  const code = errorCode(error);
  const bare = new Error(errorText(error));
  return code === '' ? bare : Object.assign(bare, { code });
}

/** Returns the first word of a Redis error reply, its code; the rest is prose that changes between versions. */
export function redisErrorCode(error: unknown): string {
  return /^-?([A-Z]{3,})\b/.exec(errorText(error))?.[1] ?? '';
}

/** Returns true for a missing group. Groups are lost with their stream: FLUSHALL, DEL, eviction, an empty replica. */
export function isMissingGroup(error: unknown): boolean {
  // Redis 7.0 replies UNBLOCKED to a blocked reader when its stream is deleted.
  return ['NOGROUP', 'UNBLOCKED'].includes(redisErrorCode(error));
}

/** Returns the address of the node to which a node of a cluster refers (`MOVED 3999 10.0.0.3:6379`), undefined for another error. */
export function movedTo(error: unknown): string | undefined {
  return /^-?MOVED \d+ (\S*:\d+)$/.exec(errorText(error).trim())?.[1];
}

/** Returns true if keys that were asked for together are on several nodes of a cluster, or none of them here. */
export function isElsewhere(error: unknown): boolean {
  return ['MOVED', 'CROSSSLOT'].includes(redisErrorCode(error));
}
