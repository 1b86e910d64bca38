/** A Git repository behind HTTP (git's own backend) and SSH, with what a resource source may find in it. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Server as SshServer, utils } from 'ssh2';

const run = promisify(execFile);
export const OBJECT = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-git}\n';

export interface GitServers {
  readonly httpUrl: string;
  /** The same repository from a server that ignores filters, with 3 MiB that do not compress. */
  readonly unfilteredUrl: string;
  readonly sshUrl: string;
  /** OpenSSH private key that the SSH server lets in. */
  readonly clientKey: string;
  /** Line for a known_hosts file. */
  readonly knownHost: string;
  readonly firstCommit: string;
  close(): Promise<void>;
}

export async function startGitServers(credentials: { username: string; password: string }): Promise<GitServers> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-git-test-'));
  const firstCommit = await createRepository(join(folder, 'repo.git'), join(folder, 'work'));
  const http = await listen(createHttpServer(folder, credentials));
  const hostKey = utils.generateKeyPairSync('ed25519');
  const clientKey = utils.generateKeyPairSync('ed25519');
  const ssh = createSshServer(folder, hostKey.private, clientKey.public);
  await new Promise<void>((resolve) => ssh.listen(0, '127.0.0.1', resolve));
  const sshPort = (ssh.address() as AddressInfo).port;
  return {
    httpUrl: `http://127.0.0.1:${http.port}/repo.git`,
    unfilteredUrl: `http://127.0.0.1:${http.port}/unfiltered.git`,
    sshUrl: `ssh://git@127.0.0.1:${sshPort}/repo.git`,
    clientKey: clientKey.private,
    knownHost: `[127.0.0.1]:${sshPort} ${hostKey.public}`,
    firstCommit,
    close: async () => {
      http.server.closeAllConnections();
      http.server.close();
      await new Promise<void>((resolve) => ssh.close(() => resolve()));
      await rm(folder, { recursive: true });
    },
  };
}

async function createRepository(bare: string, work: string): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: 't',
    GIT_AUTHOR_EMAIL: 't@t',
    GIT_COMMITTER_NAME: 't',
    GIT_COMMITTER_EMAIL: 't@t',
  };
  const env = { ...process.env, ...identity, GIT_CONFIG_GLOBAL: '/dev/null' };
  const git = async (...args: string[]) => (await run('git', args, { cwd: work, env })).stdout.trim();
  await mkdir(work);
  await git('init', '--quiet', '--initial-branch=main', '.');
  await mkdir(join(work, 'objects'));
  await writeFile(join(work, 'objects', 'one.yaml'), OBJECT);
  await symlink('/etc/passwd', join(work, 'link.yaml'));
  await writeFile(join(work, 'large.yaml'), 'x'.repeat(2 * 1024 * 1024));
  await git('add', '-A');
  await git('commit', '--quiet', '-m', 'first');
  const firstCommit = await git('rev-parse', 'HEAD');
  await git('tag', 'v1');
  await git('checkout', '--quiet', '-b', 'other');
  await writeFile(join(work, 'objects', 'one.yaml'), OBJECT.replace('from-git', 'from-branch'));
  await git('commit', '--quiet', '-am', 'second');
  await git('checkout', '--quiet', 'main');
  await git('clone', '--quiet', '--bare', '.', bare);
  for (const setting of ['uploadpack.allowFilter', 'uploadpack.allowReachableSHA1InWant', 'http.receivepack']) {
    await git('-C', bare, 'config', setting, 'true');
  }
  await writeFile(join(work, 'random.bin'), randomBytes(3 * 1024 * 1024));
  await git('add', '-A');
  await git('commit', '--quiet', '-m', 'third');
  await git('clone', '--quiet', '--bare', '.', join(dirname(bare), 'unfiltered.git'));
  return firstCommit;
}

/** CGI around `git http-backend`, which ships with git. */
function createHttpServer(root: string, { username, password }: { username: string; password: string }): Server {
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return createServer((request, response) => {
    if (request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://localhost');
    const backend = spawn('git', ['http-backend'], {
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
    });
    request.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.on('close', () => {
      const answer = Buffer.concat(chunks);
      const end = answer.indexOf('\r\n\r\n');
      const headers = answer
        .subarray(0, end)
        .toString()
        .split('\r\n')
        .map((line) => line.split(/:\s*/, 2));
      const status = headers.find(([name]) => name === 'Status')?.[1];
      for (const [name = '', value = ''] of headers) if (name !== 'Status') response.setHeader(name, value);
      response.writeHead(status ? Number(status.split(' ')[0]) : 200);
      response.end(answer.subarray(end + 4));
    });
  });
}

function createSshServer(root: string, hostKey: string, allowedKey: string): SshServer {
  const allowed = utils.parseKey(allowedKey);
  if (allowed instanceof Error) throw allowed;
  return new SshServer({ hostKeys: [hostKey] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      const isAllowed =
        attempt.method === 'publickey' &&
        attempt.key.data.equals(allowed.getPublicSSH()) &&
        (!attempt.signature ||
          allowed.verify(attempt.blob ?? Buffer.alloc(0), attempt.signature, attempt.hashAlgo) === true);
      if (isAllowed) attempt.accept();
      else attempt.reject(['publickey']);
    });
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const path = /^git-upload-pack '\/(.+)'$/.exec(command)?.[1] ?? '';
        const channel = acceptExec();
        const pack = spawn('git', ['upload-pack', join(root, path)]);
        channel.pipe(pack.stdin);
        pack.stdout.pipe(channel, { end: false });
        pack.on('close', (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  });
}

async function listen(server: Server): Promise<{ server: Server; port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

/** A key that no server knows. */
export function createStrangerKey(): string {
  return utils.generateKeyPairSync('ed25519').private;
}
