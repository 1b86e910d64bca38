import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { dirname, join } from 'node:path';
import { connect } from 'amqplib';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { findOnPath } from './binaries/find-on-path';
import { runCommand } from './binaries/run-command';
import { startOnFreePorts } from './processes/free-ports';
import { startRestartableServer, type RestartableServer } from './processes/restartable-server';
import { startServerProcess, type ServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { createTlsFiles, type TlsFiles } from './tls-certificates';

export interface StartRabbitMqOptions {
  /** Listen on a second port, with TLS. */
  tls?: boolean;
}

export interface RunningRabbitMq extends RestartableServer {
  host: string;
  port: number;
  /** As the user `guest`, who may do everything. */
  url: string;
  /** Present when the server speaks TLS, with the `amqps://` address. */
  tls?: TlsFiles & { url: string };
  /** Evaluates Erlang expressions in the server, such as `rabbit_auth_backend_internal:add_user(…).` */
  evaluate(expressions: string): Promise<string>;
}

const HOST = '127.0.0.1';
const COOKIE = 'sluice';
/** Debian's program on PATH changes to the user `rabbitmq` and the system's folders; this is the one that it calls. */
const INNER_SCRIPT = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Starts a RabbitMQ node of its own in a temporary folder, with a port mapper of its own that ends with it. */
export async function startRabbitMq(options: StartRabbitMqOptions = {}): Promise<RunningRabbitMq> {
  const found = await findBinary(tools.rabbitmqServer);
  const binary = existsSync(INNER_SCRIPT) ? INNER_SCRIPT : found;
  const folder = await createTemporaryFolder('rabbitmq');
  try {
    const files = options.tls === true ? await createTlsFiles(folder) : undefined;
    const wanted = Array.from({ length: 4 }, () => undefined);
    return await startOnFreePorts(wanted, async (port = 0, distPort = 0, mapperPort = 0, tlsPort = 0) => {
      const node = `sluice-${port}@localhost`;
      const url = `amqp://guest:guest@${HOST}:${port}`;
      const tls = files && { ...files, url: `amqps://guest:guest@${HOST}:${tlsPort}` };
      const env = environmentOf({ folder, node, distPort, mapperPort });
      await writeFile(env.RABBITMQ_CONFIG_FILE, formatConfiguration(port, files && { ...files, port: tlsPort }));
      await writeFile(env.RABBITMQ_ENABLED_PLUGINS_FILE, '[].\n');
      const mapper = await startPortMapper(folder, mapperPort, env);
      try {
        const server = await startRestartableServer(folder, () => startNode(binary, folder, url, env));
        const stop = async (): Promise<void> => {
          await server.stop();
          await mapper.stop();
          await removeFolder(folder);
        };
        const evaluate = (expressions: string): Promise<string> => callNode(node, expressions, env);
        return { host: HOST, port, url, tls, ...server, stop, evaluate };
      } catch (error) {
        await mapper.stop();
        throw error;
      }
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

interface Place {
  readonly folder: string;
  readonly node: string;
  readonly distPort: number;
  readonly mapperPort: number;
}

type Environment = ReturnType<typeof environmentOf>;

function environmentOf({ folder, node, distPort, mapperPort }: Place) {
  return {
    HOME: folder,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: HOST,
    RABBITMQ_NODENAME: node,
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'none.config'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(folder, 'rabbitmq.pid'),
    // The script becomes the server, whose process id is then that of the script.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_START_ARGS: '-noinput',
    // One scheduler, which does not spin while it is idle.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `+S 1:1 +sbwt none +A 4 -setcookie ${COOKIE}`,
  } as const;
}

function formatConfiguration(port: number, tls: (TlsFiles & { readonly port: number }) | undefined): string {
  const lines = [
    'loopback_users = none',
    'vm_memory_high_watermark.absolute = 256MB',
    'disk_free_limit.absolute = 10MB',
    'log.console.level = warning',
    'collect_statistics_interval = 60000',
    `listeners.tcp.1 = ${HOST}:${port}`,
    ...(tls === undefined
      ? []
      : [
          `listeners.ssl.1 = ${HOST}:${tls.port}`,
          `ssl_options.cacertfile = ${tls.caPath}`,
          `ssl_options.certfile = ${tls.serverCertificatePath}`,
          `ssl_options.keyfile = ${tls.serverKeyPath}`,
          'ssl_options.verify = verify_peer',
          'ssl_options.fail_if_no_peer_cert = false',
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The node would start one of its own that outlives it. */
function startPortMapper(folder: string, port: number, env: Environment): Promise<ServerProcess> {
  return startServerProcess({
    name: 'epmd',
    command: findOnPath('epmd') ?? 'epmd',
    args: ['-port', String(port), '-address', HOST],
    env,
    folder,
    isReady: () => accepts(port),
  });
}

function startNode(binary: string, folder: string, url: string, env: Environment): Promise<ServerProcess> {
  return startServerProcess({
    name: 'rabbitmq-server',
    command: binary,
    args: [],
    env,
    folder,
    isReady: () => acceptsLogin(url),
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 20_000,
  });
}

async function acceptsLogin(url: string): Promise<boolean> {
  const connection = await connect(url, { timeout: 2_000, rejectUnauthorized: false });
  connection.on('error', () => undefined);
  await connection.close();
  return true;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
}

/** A small C program: rabbitmqctl would take seconds. */
async function callNode(node: string, expressions: string, env: Environment): Promise<string> {
  const erl = findOnPath('erl_call') ?? join(dirname('/usr/lib/erlang/bin/erl'), 'erl_call');
  const script = `printf '%s\\n' "$2" | "$0" -c ${COOKIE} -sname "$1" -e`;
  return await runCommand('sh', ['-c', script, erl, node, expressions], { env });
}
