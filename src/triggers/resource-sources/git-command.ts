/** Runs the system's git in a separate folder, isolated from the worker's configuration and terminal. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../errors/sluice-error';
import { Semaphore } from '../../concurrency/semaphore';
import { withoutUser } from './git-address';

export interface GitAccess {
  /** For HTTP. Passed only in git's environment, never on a command line. */
  readonly basicAuth?: { readonly username: string; readonly password: string };
  /** For SSH: an OpenSSH private key. */
  readonly sshKey?: string;
  readonly ignoreHostKey?: boolean;
  /** `host:port:address` for HTTP: git connects to the checked address, even if the name resolves differently later. */
  readonly pinnedAddress?: string;
}

export interface GitFolder {
  /** Standard output. Throws TRIGGER_SOURCE_UNREADABLE. */
  run(...args: readonly string[]): Promise<string>;
}

export const PROXY_VARIABLES: readonly string[] = ['HTTPS_PROXY', 'HTTP_PROXY'];
const MAX_OUTPUT_BYTES = 1024 * 1024;
const TIMEOUT_MS = 60_000;
/**
 * A server may ignore the filter and send every file of the commit. Fetched objects form one pack, so a file size limit
 * also limits what a fetch can write.
 */
const DEFAULT_MAX_PACK_MIB = 128;
const MAX_MEMORY_BYTES = 2 * 1024 * 1024 * 1024;
const running = new Semaphore(4);

/** Passes `work` an empty repository and removes it afterwards, with the key in it. Four run at a time. */
export function withGitFolder<Result>(
  origin: string,
  access: GitAccess,
  signal: AbortSignal,
  work: (git: GitFolder) => Promise<Result>,
): Promise<Result> {
  return running.run(signal, () => runInFolder(origin, access, signal, work));
}

async function runInFolder<Result>(
  origin: string,
  access: GitAccess,
  signal: AbortSignal,
  work: (git: GitFolder) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-git-'));
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const env = await createEnvironment(folder, access);
    const git: GitFolder = { run: (...args) => runGit(args, { folder, env, origin, signal: deadline }) };
    await git.run('init', '--quiet', '--bare', '.');
    return await work(git);
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: not read within ${TIMEOUT_MS / 1000} s`,
      retryable: true,
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function createEnvironment(folder: string, access: GitAccess): Promise<NodeJS.ProcessEnv> {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    // No local paths and no helper programs: the address comes from a manifest.
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
    ...pick([...PROXY_VARIABLES, 'NO_PROXY', 'GIT_SSL_CAINFO', 'SSL_CERT_FILE']),
  };
  const config: [string, string][] = [
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '20'],
    // A redirect would carry the credentials to another host.
    ['http.followRedirects', 'false'],
    ['fetch.unpackLimit', '1'],
    ['pack.threads', '1'],
  ];
  if (access.pinnedAddress !== undefined) config.push(['http.curloptResolve', access.pinnedAddress]);
  if (access.basicAuth) {
    const { username, password } = access.basicAuth;
    const token = Buffer.from(`${username}:${password}`).toString('base64');
    config.push(['http.extraHeader', `Authorization: Basic ${token}`]);
  }
  config.forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  env.GIT_CONFIG_COUNT = String(config.length);
  env.GIT_SSH_COMMAND = await createSshCommand(folder, access);
  return env;
}

async function createSshCommand(folder: string, { sshKey, ignoreHostKey }: GitAccess): Promise<string> {
  const options = ['BatchMode=yes', 'ConnectTimeout=20'];
  if (sshKey !== undefined) {
    const path = join(folder, 'ssh-key');
    await writeFile(path, sshKey.endsWith('\n') ? sshKey : `${sshKey}\n`, { mode: 0o600 });
    options.push(`IdentityFile=${path}`, 'IdentitiesOnly=yes');
  }
  const knownHosts = process.env.SLUICE_SSH_KNOWN_HOSTS;
  if (ignoreHostKey) options.push('StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR');
  else options.push('StrictHostKeyChecking=yes', ...(knownHosts ? [`UserKnownHostsFile="${knownHosts}"`] : []));
  return ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', quote(option)])].join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function pick(names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

interface RunContext {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly origin: string;
  readonly signal: AbortSignal;
}

function maxPackMib(): number {
  const configured = Number(process.env.SLUICE_GIT_MAX_MIB);
  return Number.isInteger(configured) && configured > 0 ? configured : DEFAULT_MAX_PACK_MIB;
}

/** `ulimit -f` counts blocks of 512 bytes, `-v` kibibytes; some systems cannot limit memory. */
function limitedGit(): string {
  return [
    'command -v git >/dev/null || exit 127',
    `ulimit -f ${maxPackMib() * 2048}`,
    `ulimit -v ${MAX_MEMORY_BYTES / 1024} 2>/dev/null`,
    'exec git "$@"',
  ].join('; ');
}

function runGit(args: readonly string[], { folder, env, origin, signal }: RunContext): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'sh',
      ['-c', limitedGit(), 'git', ...args],
      { cwd: folder, env, signal, maxBuffer: MAX_OUTPUT_BYTES, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (!error) resolve(stdout);
        else reject(describeFailure(error, stderr, origin));
      },
    );
  });
}

function describeFailure(cause: Error & { code?: unknown }, stderr: string, origin: string): SluiceError {
  if (cause.code === 'ENOENT' || cause.code === 127) {
    return new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: the git command is not installed beside this worker`,
      fix: "Install git (and openssh-client for SSH), or use Sluice's own image",
      retryable: false,
    });
  }
  if (cause.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: larger than ${MAX_OUTPUT_BYTES} bytes`,
      retryable: false,
    });
  }
  if (OVER_LIMIT.test(stderr)) {
    return new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: the server sends more than ${maxPackMib()} MiB (SLUICE_GIT_MAX_MIB) for this reference`,
      fix: 'Use a Git server that supports partial clones (uploadpack.allowFilter), or a smaller repository',
      retryable: false,
    });
  }
  if (REDIRECTED.test(stderr)) {
    return new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin}: the server redirects to another address`,
      fix: 'Set the final address: redirects are not followed, because they would carry credentials to another host',
      retryable: false,
    });
  }
  return new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
    // The message of `cause` holds the whole output.
    message: `${origin}: ${explain(stderr) || `git ended with ${String(cause.code)}`}`,
    fix: 'Try `git fetch` with the same address, reference and credentials',
    retryable: !REFUSED.test(stderr),
  });
}

const OVER_LIMIT = /File too large|signal 25|invalid index-pack output|Out of memory|out of memory/;
const REDIRECTED = /returned error: 30\d|unable to update url base from redirection/;
/** Permanent until the repository or its permissions change. */
const REFUSED =
  /not found|does not exist|couldn't find remote ref|Authentication failed|Permission denied|not allowed|verification failed|could not read Username/i;
/**
 * Git shows the body of any page and the first bytes of any protocol. The author of a Sensor could read servers in them
 * that only the worker may reach.
 */
const SAID_BY_SERVER = /^(remote|ERR)\b/i;
const QUOTES_SERVER = /^(fatal: (?:remote|protocol) error\b).*/i;
/** Advice and notices that git and ssh add to every failure. */
const GENERAL = /^(Please make sure|and the repository exists|warning:)/i;

function explain(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return withoutUser(
    lines
      .filter((line) => line !== '' && !GENERAL.test(line) && !SAID_BY_SERVER.test(line))
      .slice(0, 4)
      .map((line) => line.replace(QUOTES_SERVER, '$1'))
      .join('; '),
  );
}
