import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { DevServerError } from './dev-server-error';
import { createOperatorMode } from './nats-credentials';
import { refusedOutage } from './processes/outage';
import { startOnFreePorts } from './processes/free-ports';
import { startRestartableServer, type RestartableServer } from './processes/restartable-server';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { createTlsFiles, type TlsFiles } from './tls-certificates';

export interface StartNatsOptions {
  /** How clients must authenticate. If absent, any client may connect. */
  authentication?: 'password' | 'token' | 'nkey' | 'credentials';
  /** Speak TLS only. */
  tls?: boolean;
  /** Ask clients for a certificate signed by the same authority. Needs `tls`. */
  requireClientCertificate?: boolean;
  /** Largest message that the server accepts; 1 MiB by default. */
  maxPayloadBytes?: number;
  port?: number;
  /** More lines for the server's configuration file; a function is asked at each start. */
  configuration?: string | (() => string);
  /** Never use the server that SLUICE_DEV_NATS_URL names, even if no other option asks for a server of its own. */
  own?: boolean;
}

/** What a client needs to connect, created for each server. */
interface NatsIdentity {
  user?: string;
  password?: string;
  token?: string;
  /** Seed of an nkey ("SU…"). */
  nkeySeed?: string;
  /** Path of a credentials file (JWT and seed), as `nsc` writes it. */
  credentialsPath?: string;
}

export interface RunningNats extends RestartableServer {
  /** `nats://` or, with TLS, `tls://`. */
  url: string;
  port: number;
  /** HTTP monitoring: /varz, /jsz, /healthz. Empty for a server named by the environment. */
  monitorUrl: string;
  identity: NatsIdentity;
  /** Present when the server speaks TLS. */
  tls?: TlsFiles;
}

const HOST = '127.0.0.1';

/** Starts a NATS server with JetStream in a temporary folder, or returns the one that SLUICE_DEV_NATS_URL names. */
export async function startNats(options: StartNatsOptions = {}): Promise<RunningNats> {
  const external = process.env.SLUICE_DEV_NATS_URL;
  if (external !== undefined && external !== '' && Object.keys(options).length === 0) return describeExternal(external);

  const binary = await findBinary(tools.natsServer);
  const folder = await createTemporaryFolder('nats');
  try {
    const tls = options.tls === true ? await createTlsFiles(folder) : undefined;
    const access = await createAccess(options.authentication, folder);
    return await startOnFreePorts([options.port, undefined], async (port, monitorPort) => {
      const configurationPath = join(folder, 'nats.conf');
      const monitorUrl = `http://${HOST}:${monitorPort}`;
      const server = await startRestartableServer(folder, async () => {
        const configuration = formatConfiguration(folder, port, monitorPort, options, tls, access.configuration);
        await writeFile(configurationPath, configuration);
        return await startServerProcess({
          name: 'nats-server',
          command: binary,
          args: ['--config', configurationPath],
          folder,
          isReady: () => isHealthy(monitorUrl),
        });
      });
      return {
        url: `${tls === undefined ? 'nats' : 'tls'}://${HOST}:${port}`,
        port,
        monitorUrl,
        identity: access.identity,
        tls,
        ...server,
      };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

interface Access {
  configuration: string;
  identity: NatsIdentity;
}

/** Seconds for a client to say who it is, on a machine that runs many tests at once; the server's default is 2. */
const PATIENT = 'timeout: 30';

async function createAccess(kind: StartNatsOptions['authentication'], folder: string): Promise<Access> {
  switch (kind) {
    case undefined:
      return { configuration: '', identity: {} };
    case 'password': {
      const identity = { user: 'sluice', password: 'sluice-dev-password' };
      return {
        configuration: `authorization { ${PATIENT}, user: "${identity.user}", password: "${identity.password}" }`,
        identity,
      };
    }
    case 'token': {
      const identity = { token: 'sluice-dev-token' };
      return { configuration: `authorization { ${PATIENT}, token: "${identity.token}" }`, identity };
    }
    case 'nkey': {
      const user = nkeys.createUser();
      return {
        configuration: `authorization { ${PATIENT}, users: [ { nkey: "${user.getPublicKey()}" } ] }`,
        identity: { nkeySeed: Buffer.from(user.getSeed()).toString('ascii') },
      };
    }
    case 'credentials': {
      const { configuration, credentials } = createOperatorMode();
      const credentialsPath = join(folder, 'sluice.creds');
      await writeFile(credentialsPath, credentials, { mode: 0o600 });
      return { configuration, identity: { credentialsPath } };
    }
  }
}

function formatConfiguration(
  folder: string,
  port: number,
  monitorPort: number,
  options: StartNatsOptions,
  tls: TlsFiles | undefined,
  access: string,
): string {
  const tlsBlock =
    tls === undefined
      ? ''
      : `tls {
  ${PATIENT}
  cert_file: "${tls.serverCertificatePath}"
  key_file: "${tls.serverKeyPath}"
  ca_file: "${tls.caPath}"
  verify: ${options.requireClientCertificate === true}
}`;
  const maxPayload = options.maxPayloadBytes === undefined ? '' : `max_payload: ${options.maxPayloadBytes}`;
  const store = `jetstream { store_dir: "${join(folder, 'jetstream')}" }`;
  const addresses = `listen: "${HOST}:${port}"\nhttp: "${HOST}:${monitorPort}"`;
  const { configuration = '' } = options;
  const more = typeof configuration === 'function' ? configuration() : configuration;
  return [addresses, store, maxPayload, tlsBlock, access, more].join('\n');
}

async function isHealthy(monitorUrl: string): Promise<boolean> {
  const response = await fetch(`${monitorUrl}/healthz?js-enabled-only=true`);
  return response.ok;
}

function describeExternal(url: string): RunningNats {
  const { port } = new URL(url);
  const refuse = () =>
    Promise.reject(new DevServerError('SLUICE_DEV_NATS_URL names a server that is not ours to stop'));
  return {
    url,
    port: port === '' ? 4222 : Number(port),
    monitorUrl: '',
    identity: {},
    stop: () => Promise.resolve(),
    stopKeepingData: refuse,
    restart: refuse,
    outage: refusedOutage(refuse),
  };
}
