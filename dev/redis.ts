import { readFile } from 'node:fs/promises';

import Redis, { type RedisOptions } from 'ioredis';
import { findBinary } from './binaries/find-binary';
import { tools } from './binaries/catalogue';
import { DevServerError } from './dev-server-error';
import { refusedOutage } from './processes/outage';
import { startOnFreePorts } from './processes/free-ports';
import { startRestartableServer, type RestartableServer } from './processes/restartable-server';
import { startServerProcess, type ServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { createTlsFiles, type TlsFiles } from './tls-certificates';

export interface StartRedisOptions {
  /** Password of the user `default`. */
  password?: string;
  /** One more user, with all rights. The user `default` is then disabled unless `password` is given too. */
  aclUser?: { name: string; password: string };
  /** Listen with TLS only. */
  tls?: boolean;
  /** Ask clients for a certificate signed by the same authority. Needs `tls`. */
  requireClientCertificate?: boolean;
  port?: number;
  /** More settings for the command line, for instance ['--maxmemory', '100mb']. */
  settings?: readonly string[];
  /** Never use the server that SLUICE_DEV_REDIS_URL names, even if no other option asks for a server of its own. */
  own?: boolean;
}

export interface RunningRedis extends RestartableServer {
  host: string;
  port: number;
  /** `redis://` or, with TLS, `rediss://`; with user and password if there are any. */
  url: string;
  /** Present when the server speaks TLS. */
  tls?: TlsFiles;
}

const HOST = '127.0.0.1';

/** Starts a Redis server of its own in a temporary folder, or returns the one that SLUICE_DEV_REDIS_URL names. */
export async function startRedis(options: StartRedisOptions = {}): Promise<RunningRedis> {
  const external = process.env.SLUICE_DEV_REDIS_URL;
  if (external !== undefined && external !== '' && Object.keys(options).length === 0) return describeExternal(external);

  const binary = await findBinary(tools.redisServer);
  const folder = await createTemporaryFolder('redis');
  try {
    const tls = options.tls === true ? await createTlsFiles(folder) : undefined;
    return await startOnFreePorts([options.port], async (port) => {
      const server = await startRestartableServer(folder, () => startProcess(binary, folder, port, options, tls));
      return { host: HOST, port, url: formatUrl(port, options), tls, ...server };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

async function startProcess(
  binary: string,
  folder: string,
  port: number,
  options: StartRedisOptions,
  tls: TlsFiles | undefined,
): Promise<ServerProcess> {
  const args = [
    ...['--bind', HOST, '--dir', folder, '--save', '', '--appendonly', 'yes', '--daemonize', 'no'],
    ...(tls === undefined
      ? ['--port', String(port)]
      : tlsSettings(port, tls, options.requireClientCertificate === true)),
    ...userSettings(options),
    ...(options.settings ?? []),
  ];
  const probe = await probeOptions(port, options, tls);
  return startServerProcess({ name: 'redis-server', command: binary, args, folder, isReady: () => answersPing(probe) });
}

function tlsSettings(port: number, tls: TlsFiles, requireClientCertificate: boolean): string[] {
  return [
    ...['--port', '0', '--tls-port', String(port), '--tls-ca-cert-file', tls.caPath],
    ...['--tls-cert-file', tls.serverCertificatePath, '--tls-key-file', tls.serverKeyPath],
    ...['--tls-auth-clients', requireClientCertificate ? 'yes' : 'no'],
  ];
}

function userSettings({ password, aclUser }: StartRedisOptions): string[] {
  const settings = password === undefined ? [] : ['--requirepass', password];
  if (aclUser === undefined) return settings;
  settings.push('--user', aclUser.name, 'on', `>${aclUser.password}`, '~*', '&*', '+@all');
  if (password === undefined) settings.push('--user', 'default', 'off');
  return settings;
}

async function probeOptions(
  port: number,
  { password, aclUser }: StartRedisOptions,
  tls: TlsFiles | undefined,
): Promise<RedisOptions> {
  const credentials = aclUser === undefined ? { password } : { username: aclUser.name, password: aclUser.password };
  const probe: RedisOptions = {
    host: HOST,
    port,
    ...credentials,
    lazyConnect: true,
    disconnectTimeout: 1,
    retryStrategy: () => null,
  };
  if (tls !== undefined) {
    const [ca, cert, key] = await Promise.all(
      [tls.caPath, tls.clientCertificatePath, tls.clientKeyPath].map((path) => readFile(path)),
    );
    probe.tls = { ca, cert, key };
  }
  return probe;
}

/** `options`: without retries, so that a refused connection is an answer. */
export async function answersPing(options: RedisOptions): Promise<boolean> {
  const client = new Redis(options);
  // A refused connection is expected while the server starts; the failed call below reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } finally {
    client.disconnect();
  }
}

function formatUrl(port: number, options: StartRedisOptions): string {
  const url = new URL(`${options.tls === true ? 'rediss' : 'redis'}://${HOST}:${port}`);
  url.username = options.aclUser?.name ?? '';
  url.password = options.aclUser?.password ?? options.password ?? '';
  return url.href;
}

function describeExternal(url: string): RunningRedis {
  const { hostname, port } = new URL(url);
  const refuse = () =>
    Promise.reject(new DevServerError('SLUICE_DEV_REDIS_URL names a Redis that is not ours to stop'));
  return {
    host: hostname,
    port: port === '' ? 6379 : Number(port),
    url,
    stop: () => Promise.resolve(),
    stopKeepingData: refuse,
    restart: refuse,
    outage: refusedOutage(refuse),
  };
}
