/** `source.git`: the object from a file of a Git repository. Only that file is fetched, nothing is checked out. */
import { isIP } from 'node:net';
import { SluiceError } from '../../errors/sluice-error';
import type { KeySelector, SecretReader } from '../../kubernetes/secrets';
import { AddressBlocked, BLOCKED_ADDRESS_FIX, resolveAllowedAddress } from '../../clients/blocked-addresses';
import { parseGitAddress, withoutUser, type GitAddress } from './git-address';
import { PROXY_VARIABLES, withGitFolder, type GitAccess, type GitFolder } from './git-command';
import type { ReadResource } from './resource-source';

export interface GitSource {
  readonly url: string;
  readonly filePath: string;
  readonly branch?: string;
  readonly tag?: string;
  /** A commit, or the full name of a reference. */
  readonly ref?: string;
  readonly creds?: { readonly username?: KeySelector; readonly password?: KeySelector };
  readonly sshKeySecret?: KeySelector;
  readonly githubApp?: unknown;
  readonly remote?: { readonly name: string; readonly urls: readonly string[] };
  readonly insecureIgnoreHostKey?: boolean;
}

export const readGit: ReadResource<GitSource> = async (source, { namespace, secrets, signal }) => {
  const url = source.remote?.urls[0] ?? source.url;
  const path = parsePath(source.filePath);
  const wanted = wantedReference(source);
  const origin = `source.git ${withoutUser(url)} ${wanted}:${path}`;
  if (wanted.startsWith('-')) throw unreadable(`${origin}: a reference must not begin with "-"`);
  const address = parseGitAddress(url);
  if (address === undefined) {
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: not an address of a git server`,
      fix: 'Write https://host/path, ssh://user@host/path or user@host:path, without escapes in the host',
      retryable: false,
    });
  }
  const [credentials, pinnedAddress] = await Promise.all([
    readAccess(source, namespace, secrets, origin),
    pinAddress(address, origin),
  ]);
  const access = { ...credentials, pinnedAddress };
  const text = await withGitFolder(origin, access, signal, async (git) => {
    await git.run('remote', 'add', 'origin', address.url);
    await git.run('fetch', '--quiet', '--depth=1', '--no-tags', '--filter=blob:none', 'origin', wanted);
    return await readBlob(git, path, origin);
  });
  return { text, origin };
};

/** Resolves with undefined if git must resolve the name: not HTTP, or a name that only a proxy resolves. */
async function pinAddress({ host, pinned }: GitAddress, origin: string): Promise<string | undefined> {
  let address: string;
  try {
    address = await resolveAllowedAddress(host);
  } catch (error) {
    if (!(error instanceof AddressBlocked)) {
      if (pinned === undefined || hasProxy()) return undefined;
      // Git would ask again, and might get the address of what it must not reach.
      throw unreadable(`${origin}: the host's name cannot be resolved`, { retryable: true, cause: error });
    }
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: ${error.message}`,
      fix: BLOCKED_ADDRESS_FIX,
      retryable: false,
    });
  }
  return pinned === undefined || isIP(host) ? undefined : `${pinned.host}:${pinned.port}:${address}`;
}

function hasProxy(): boolean {
  return PROXY_VARIABLES.some((name) => process.env[name]);
}

/** Without branch, tag or ref: the repository's own default branch. */
function wantedReference({ branch, tag, ref }: GitSource): string {
  if (branch) return `refs/heads/${branch}`;
  if (tag) return `refs/tags/${tag}`;
  return ref || 'HEAD';
}

async function readBlob(git: GitFolder, path: string, origin: string): Promise<string> {
  const listing = await git.run('ls-tree', 'FETCH_HEAD', '--', path);
  const [, mode, type, id] = /^(\d+) (\w+) ([0-9a-f]+)\t/.exec(listing) ?? [];
  if (id === undefined) throw unreadable(`${origin}: no such file`);
  if (mode === '120000') throw unreadable(`${origin} is a symbolic link, which is not followed`);
  if (type !== 'blob') throw unreadable(`${origin} is a folder, expected a file`);
  return await git.run('cat-file', 'blob', id);
}

/** Returns the path inside the repository, however it is written. */
function parsePath(filePath: string): string {
  const path = filePath.replace(/^(\.?\/)+/, '');
  if (path === '' || /\.\.|~|\\/.test(path)) {
    throw unreadable(`source.git.filePath: expected a path inside the repository, found "${filePath}"`);
  }
  return path;
}

async function readAccess(
  { creds, sshKeySecret, githubApp, insecureIgnoreHostKey }: GitSource,
  namespace: string,
  secrets: SecretReader,
  origin: string,
): Promise<GitAccess> {
  if (githubApp !== undefined) {
    throw new SluiceError('TRIGGER_UNSUPPORTED', {
      message: `${origin}: githubApp is not supported yet`,
      fix: 'Use creds with a fine-grained personal access token, or an SSH deploy key',
    });
  }
  const read = (selector: KeySelector | undefined) => (selector ? secrets.secret(namespace, selector) : undefined);
  const [username, password, sshKey] = await Promise.all([
    read(creds?.username),
    read(creds?.password),
    read(sshKeySecret),
  ]);
  return {
    // Hosting services accept a token as password with any user name.
    ...(password === undefined ? {} : { basicAuth: { username: username ?? 'git', password } }),
    ...(sshKey === undefined ? {} : { sshKey }),
    ignoreHostKey: insecureIgnoreHostKey ?? false,
  };
}

function unreadable(
  message: string,
  more: { retryable: boolean; cause?: unknown } = { retryable: false },
): SluiceError {
  return new SluiceError('TRIGGER_SOURCE_UNREADABLE', { message, ...more });
}
