import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readResourceSource } from '../../../src/triggers/resource-sources/registry';
import type { GitSource } from '../../../src/triggers/resource-sources/git';
import { failureOf } from '../../setup/failure';
import { createStrangerKey, startGitServers, type GitServers } from './git-servers';
import { secretsFrom } from '../../setup/secrets';
import { startYamlReader } from '../../setup/yaml-reader';

const yaml = startYamlReader();
let servers: GitServers;
let folder: string;
const credentials = { username: 'reader', password: 's3cret-token' };
const selectors = { username: { name: 'git', key: 'user' }, password: { name: 'git', key: 'token' } };

beforeAll(async () => {
  servers = await startGitServers(credentials);
  folder = await mkdtemp(join(tmpdir(), 'sluice-known-hosts-'));
  process.env.SLUICE_SSH_KNOWN_HOSTS = join(folder, 'known_hosts');
  await writeFile(process.env.SLUICE_SSH_KNOWN_HOSTS, `${servers.knownHost}\n`);
});
afterAll(async () => {
  delete process.env.SLUICE_SSH_KNOWN_HOSTS;
  await rm(folder, { recursive: true });
  await servers.close();
  await yaml.close();
});

function read(source: Partial<GitSource>, extra: Record<string, string> = {}) {
  const git = { url: servers.httpUrl, cloneDirectory: '/x', filePath: 'objects/one.yaml', creds: selectors, ...source };
  const secrets = secretsFrom({
    'git/user': credentials.username,
    'git/token': credentials.password,
    'ssh/key': servers.clientKey,
    'ssh/stranger': createStrangerKey(),
    ...extra,
  });
  // Manifests are checked against the schema, where githubApp has a shape of its own.
  return readResourceSource(
    { git: git as never },
    { namespace: 'argo', secrets, readYaml: yaml.readYaml, signal: AbortSignal.timeout(30_000) },
  );
}

describe('source.git', () => {
  it.each([
    ['the main branch of the repository, whatever it is called', {}, 'from-git'],
    ['a branch', { branch: 'other' }, 'from-branch'],
    ['a tag', { tag: 'v1' }, 'from-git'],
    ['a full reference', { ref: 'refs/heads/other' }, 'from-branch'],
    ['a path that begins with ./', { filePath: './objects/one.yaml' }, 'from-git'],
  ] as [string, Partial<GitSource>, string][])('reads a file of %s', async (_what, source, name) => {
    expect(await read(source)).toMatchObject({ kind: 'ConfigMap', metadata: { name } });
  });

  it('reads a file of a commit', async () => {
    expect(await read({ ref: servers.firstCommit })).toMatchObject({ metadata: { name: 'from-git' } });
  });

  it('reads over SSH with a key, and trusts only known hosts', async () => {
    const ssh = { url: servers.sshUrl, creds: undefined, sshKeySecret: { name: 'ssh', key: 'key' } };
    expect(await read(ssh)).toMatchObject({ metadata: { name: 'from-git' } });
    const stranger = await failureOf(read({ ...ssh, sshKeySecret: { name: 'ssh', key: 'stranger' } }));
    expect(stranger).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false });
    process.env.SLUICE_SSH_KNOWN_HOSTS = join(folder, 'nobody');
    const unknown = await failureOf(read(ssh));
    expect(unknown).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false });
    expect(await read({ ...ssh, insecureIgnoreHostKey: true })).toMatchObject({ metadata: { name: 'from-git' } });
    process.env.SLUICE_SSH_KNOWN_HOSTS = join(folder, 'known_hosts');
  });

  it.each([
    ['a symbolic link', { filePath: 'link.yaml' }, false],
    ['a folder', { filePath: 'objects' }, false],
    ['a missing file', { filePath: 'none.yaml' }, false],
    ['a path outside the repository', { filePath: '../etc/passwd' }, false],
    ['a file that is too large', { filePath: 'large.yaml' }, false],
    ['a branch that does not exist', { branch: 'none' }, false],
    ['a reference that git would take for an option', { ref: '--upload-pack=touch /tmp/x' }, false],
    ['an address that git would take for an option', { url: '--upload-pack=touch /tmp/x' }, false],
    ['a folder of this machine', { url: '/etc' }, false],
    ['a helper program as address', { url: 'ext::touch /tmp/x' }, false],
    ['an unresolvable name', { url: 'http://nobody.invalid/repo.git' }, true],
    ['a server that does not answer', { url: 'http://127.0.0.1:1/repo.git' }, true],
  ] as [string, Partial<GitSource>, boolean][])('rejects %s', async (_what, source, retryable) => {
    expect(await failureOf(read(source))).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable });
  });

  it('never shows credentials and leaves no files behind', async () => {
    const before = await leftovers();
    const error = await failureOf(read({ creds: selectors }, { 'git/token': 'wrong-s3cret' }));
    expect(error).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false });
    expect(JSON.stringify([error.message, error.fix, error.context])).not.toContain('s3cret');
    const inAddress = servers.httpUrl.replace('http://', 'http://me:s3cret@');
    expect((await failureOf(read({ url: inAddress, creds: undefined }))).message).not.toContain('s3cret');
    expect(await leftovers()).toEqual(before);
  });

  it('does not follow redirects, which would send the credentials to another host', async () => {
    const headers: unknown[] = [];
    const other = createServer((request, response) => {
      headers.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    const otherPort = await listenOnFreePort(other);
    const redirecting = createServer((request, response) =>
      response.writeHead(302, { location: `http://localhost:${otherPort}${request.url}` }).end(),
    );
    const port = await listenOnFreePort(redirecting);
    try {
      const failure = await failureOf(read({ url: `http://127.0.0.1:${port}/repo.git` }));
      expect(failure).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false });
      expect(failure.message).toContain('redirects to another address');
      expect(headers).toEqual([]);
    } finally {
      other.close();
      redirecting.close();
    }
  });

  it('rejects a server that sends a repository larger than the limit', async () => {
    process.env.SLUICE_GIT_MAX_MIB = '1';
    try {
      const failure = await failureOf(read({ url: servers.unfilteredUrl }));
      expect(failure).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false });
      expect(failure.message).toContain('more than 1 MiB');
    } finally {
      delete process.env.SLUICE_GIT_MAX_MIB;
    }
    expect(await read({ url: servers.unfilteredUrl })).toMatchObject({ metadata: { name: 'from-git' } });
  });

  it.each(['http://169.254.169.254/repo.git', 'git@169.254.169.254:repo.git', 'ssh://git@[fe80::1]/repo.git'])(
    'rejects the link-local address of %s',
    async (url) => {
      const failure = await failureOf(read({ url }));
      expect(failure).toMatchObject({ code: 'TRIGGER_SOURCE_UNREADABLE', retryable: false });
      expect(failure.message).toContain('is blocked');
    },
  );

  it('reaches no blocked address by a URL that git parses differently, and quotes no response', async () => {
    const paths: (string | undefined)[] = [];
    const internal = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(404, { 'content-type': 'text/plain' }).end('internal password');
    });
    const port = await listenOnFreePort(internal);
    const host = `127.0.0.1:${port}`;
    try {
      const quoting = await failureOf(read({ url: `http://${host}/page` }));
      expect(paths).toHaveLength(1);
      expect(quoting.message).toContain('not found');
      expect(quoting.message).not.toContain('password');
      expect((await failureOf(read({ url: `git://${host}/page` }))).message).toMatch(/: fatal: protocol error$/);
      const reached = paths.splice(0).length;
      process.env.SLUICE_BLOCKED_ADDRESSES = '127.0.0.0/8,::1/128';
      for (const url of [
        `http::http://${host}/x`,
        `https::http://${host}/x`,
        `http://nobody.invalid\\@${host}/x`,
        `http://0:${port}/x`,
        `http://[::]:${port}/x`,
        `git://127.0.0%2E1:${port}/x`,
        `git://127.0.0.1%3A${port}/x`,
        `ssh://127.0.0%2E1:${port}/x`,
        'a@b@127.0.0.1:x',
        '[::1]:x',
        'git@[::ffff:127.0.0.1]:x',
        '[git@127.0.0.1]:x',
        `[127.0.0.1:${port}]:x`,
        `git+ssh://me:s3cret@127.0.0.1/x`,
        `http://me@you:s3cret@${host}/x`,
      ]) {
        const failure = await failureOf(read({ url }));
        expect([url, failure.message]).toEqual([
          url,
          expect.stringMatching(/is blocked|not an address of a git server|cannot be resolved/),
        ]);
        expect(failure.message).not.toContain('s3cret');
      }
      expect({ reached, paths }).toEqual({ reached: 1, paths: [] });
    } finally {
      delete process.env.SLUICE_BLOCKED_ADDRESSES;
      internal.close();
    }
  });

  it('reports that githubApp is not supported yet', async () => {
    expect(await failureOf(read({ githubApp: {} }))).toMatchObject({ code: 'TRIGGER_UNSUPPORTED' });
  });
});

async function listenOnFreePort(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

async function leftovers(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => /^sluice-git-[^t]/.test(name));
}
