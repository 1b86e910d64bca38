import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { DevServerError } from './dev-server-error';
import { startOnFreePorts } from './processes/free-ports';
import { startRestartableServer, type RestartableServer } from './processes/restartable-server';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { createTlsFiles, type TlsFiles } from './tls-certificates';

export interface MosquittoUser {
  readonly name: string;
  readonly password: string;
  /** Each user has a role of its own name, which may send and receive below this topic. */
  readonly topics: string;
  /** May change the other users: see `MosquittoUsers` in the tests. */
  readonly isAdministrator?: boolean;
}

export interface StartMosquittoOptions {
  /** Without users, everyone may do everything. */
  users?: readonly MosquittoUser[];
  /** Listen with TLS only. */
  tls?: boolean;
  /** Ask clients for a certificate signed by the same authority. Needs `tls`. */
  requireClientCertificate?: boolean;
  /** More lines of its configuration. */
  settings?: readonly string[];
}

export interface RunningMosquitto extends RestartableServer {
  host: string;
  port: number;
  /** `mqtt://` or, with TLS, `mqtts://`; without credentials. */
  url: string;
  /** Present when the server speaks TLS. */
  tls?: TlsFiles;
}

const HOST = '127.0.0.1';
const PLUGIN = 'mosquitto_dynamic_security.so';
/** Where packages and Homebrew put it. */
const PLUGIN_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
  '/opt/homebrew/lib',
];
const ITERATIONS = 1_000;

/** Starts an MQTT broker in a temporary folder. It keeps sessions and messages over a restart. */
export async function startMosquitto(options: StartMosquittoOptions = {}): Promise<RunningMosquitto> {
  const binary = await findBinary(tools.mosquitto);
  const folder = await createTemporaryFolder('mosquitto');
  try {
    const tls = options.tls === true ? await createTlsFiles(folder) : undefined;
    return await startOnFreePorts([undefined], async (port) => {
      const configuration = join(folder, 'mosquitto.conf');
      await writeFile(configuration, await configure(folder, port, options, tls));
      const server = await startRestartableServer(folder, () =>
        startServerProcess({
          name: 'mosquitto',
          command: binary,
          args: ['-c', configuration],
          folder,
          isReady: () => isListening(port),
        }),
      );
      const url = `${tls === undefined ? 'mqtt' : 'mqtts'}://${HOST}:${port}`;
      return { host: HOST, port, url, tls, ...server };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

async function configure(
  folder: string,
  port: number,
  { users, requireClientCertificate, settings = [] }: StartMosquittoOptions,
  tls: TlsFiles | undefined,
): Promise<string> {
  const lines = [
    // As root it would become the user `mosquitto`, who may not write to the folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'persistence true',
    `persistence_location ${folder}/`,
    'max_queued_messages 100000',
    `listener ${port} ${HOST}`,
    `allow_anonymous ${users === undefined}`,
  ];
  if (tls !== undefined) {
    lines.push(`cafile ${tls.caPath}`, `certfile ${tls.serverCertificatePath}`, `keyfile ${tls.serverKeyPath}`);
    lines.push(`require_certificate ${requireClientCertificate === true}`);
  }
  if (users !== undefined) {
    const file = join(folder, 'dynamic-security.json');
    await writeFile(file, JSON.stringify(describeUsers(users)));
    lines.push(`plugin ${findPlugin()}`, `plugin_opt_config_file ${file}`);
  }
  return `${[...lines, ...settings].join('\n')}\n`;
}

function findPlugin(): string {
  const found = PLUGIN_FOLDERS.map((folder) => join(folder, PLUGIN)).find(existsSync);
  if (found !== undefined) return found;
  throw new DevServerError(`${PLUGIN} was not found`, 'install mosquitto with its plugin for dynamic security');
}

/** The file of mosquitto's plugin for dynamic security. */
function describeUsers(users: readonly MosquittoUser[]): object {
  return {
    defaultACLAccess: {
      publishClientSend: false,
      publishClientReceive: true,
      subscribe: false,
      unsubscribe: true,
    },
    clients: users.map(({ name, password }) => {
      const salt = randomBytes(12);
      return {
        username: name,
        password: pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512').toString('base64'),
        salt: salt.toString('base64'),
        iterations: ITERATIONS,
        roles: [{ rolename: name }],
      };
    }),
    roles: users.map(({ name, topics, isAdministrator }) => ({
      rolename: name,
      acls: [...(isAdministrator === true ? ['$CONTROL/#'] : []), topics].flatMap((topic) =>
        ['publishClientSend', 'subscribePattern'].map((acltype) => ({ acltype, topic, allow: true })),
      ),
    })),
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
}
