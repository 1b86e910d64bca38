import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { DevServerError } from './dev-server-error';
import { startOnFreePorts } from './processes/free-ports';
import { outageOf, refusedOutage, type Outage } from './processes/outage';
import { startAgain } from './processes/restartable-server';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { SEARCH_ATTRIBUTES } from '../src/contract/search-attributes';

type SearchAttributeType = 'Text' | 'Keyword' | 'KeywordList' | 'Int' | 'Double' | 'Bool' | 'Datetime';

export interface StartTemporalOptions {
  /** Registered in every namespace; Sluice's own by default. */
  searchAttributes?: readonly { name: string; type: SearchAttributeType }[];
  /** Created beside `default`. */
  namespaces?: readonly string[];
  port?: number;
  uiPort?: number;
  /** Run without the web interface. */
  headless?: boolean;
  /** More dynamic configuration, values as JSON. */
  dynamicConfig?: Readonly<Record<string, string>>;
  /** Keep the server's data in this file, so that it outlives the server. In memory by default. */
  databasePath?: string;
  /** Never use the server that SLUICE_DEV_TEMPORAL_ADDRESS names, even if no other option requires an own server. */
  own?: boolean;
}

export interface RunningTemporal {
  /** `external`: named by SLUICE_DEV_TEMPORAL_ADDRESS. Used, and never configured. */
  readonly ownership: 'own' | 'external';
  /** host:port of the gRPC front end. */
  address: string;
  /** Web interface; empty if there is none. */
  uiUrl: string;
  /** Of the server that was started here, for Prometheus. */
  readonly metricsUrl?: string;
  /** Of the server that was started here. Throws for an external one. */
  pid(): number;
  /** Ends the server. Idempotent. */
  stop(): Promise<void>;
  /** The server restarts with its data if it has a `databasePath`, else empty. */
  readonly outage: Outage;
}

const HOST = '127.0.0.1';

const DYNAMIC_CONFIG: Readonly<Record<string, string>> = {
  // The default of 20 polls a second delays every task by 45 ms.
  'history.transferProcessorMaxPollRPS': '1000',
  'system.enableActivityEagerExecution': 'true',
};

/**
 * Starts a Temporal dev server, or returns the one that SLUICE_DEV_TEMPORAL_ADDRESS names, which must have our search
 * attributes.
 */
export async function startTemporal(options: StartTemporalOptions = {}): Promise<RunningTemporal> {
  const external = process.env.SLUICE_DEV_TEMPORAL_ADDRESS;
  if (external !== undefined && external !== '' && Object.keys(options).length === 0) return describeExternal(external);

  const binary = await findBinary(tools.temporal);
  const folder = await createTemporaryFolder('temporal');
  try {
    return await startOnFreePorts(
      [options.port, options.uiPort, undefined, undefined],
      async (port, uiPort, httpPort, metricsPort) => {
        const address = `${HOST}:${port}`;
        const start = () =>
          startServerProcess({
            name: 'temporal',
            command: binary,
            args: formatArguments({ port, uiPort, httpPort, metricsPort }, options),
            // The caller's own Temporal configuration must not leak into the server.
            env: { TEMPORAL_CONFIG_FILE: join(folder, 'none.toml') },
            folder,
            isReady: () => hasNamespaces(address, ['default', ...(options.namespaces ?? [])]),
          });
        let server = await start();
        const restart = async (): Promise<void> => {
          await server.stop();
          server = await startAgain(start);
        };
        return {
          ownership: 'own',
          address,
          uiUrl: options.headless === true ? '' : `http://${HOST}:${uiPort}`,
          metricsUrl: `http://${HOST}:${metricsPort}/metrics`,
          pid: () => server.pid(),
          stop: async () => {
            // In-memory data is not worth the second that an orderly stop takes.
            await (options.databasePath === undefined ? server.kill() : server.stop());
            await removeFolder(folder);
          },
          outage: outageOf(() => server, restart),
        };
      },
    );
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

interface TemporalPorts {
  readonly port: number;
  readonly uiPort: number;
  readonly httpPort: number;
  readonly metricsPort: number;
}

function formatArguments(
  { port, uiPort, httpPort, metricsPort }: TemporalPorts,
  options: StartTemporalOptions,
): string[] {
  return [
    ...['server', 'start-dev', '--ip', HOST, '--port', String(port), '--http-port', String(httpPort)],
    ...['--metrics-port', String(metricsPort)],
    ...['--log-level', 'error', '--color', 'never', '--disable-config-file'],
    ...(options.headless === true ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(options.databasePath === undefined ? [] : ['--db-filename', options.databasePath]),
    ...(options.namespaces ?? []).flatMap((name) => ['--namespace', name]),
    ...temporalSettings(options).flat(),
  ];
}

/** The flags, with their values, that every Temporal dev server for Sluice needs, however it is started. */
export function temporalSettings({
  dynamicConfig,
  searchAttributes = SEARCH_ATTRIBUTES,
}: Pick<StartTemporalOptions, 'dynamicConfig' | 'searchAttributes'> = {}): [flag: string, value: string][] {
  const values = Object.entries({ ...DYNAMIC_CONFIG, ...dynamicConfig });
  return [
    ...values.map(([key, value]): [string, string] => ['--dynamic-config-value', `${key}=${value}`]),
    ...searchAttributes.map(({ name, type }): [string, string] => ['--search-attribute', `${name}=${type}`]),
  ];
}

async function hasNamespaces(address: string, namespaces: readonly string[]): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '1s' });
  try {
    for (const namespace of namespaces) await connection.workflowService.describeNamespace({ namespace });
    return true;
  } finally {
    await connection.close();
  }
}

async function describeExternal(address: string): Promise<RunningTemporal> {
  const connection = await Connection.connect({ address });
  try {
    await checkSearchAttributes(connection, address);
  } finally {
    await connection.close();
  }
  const notOurs = new DevServerError('SLUICE_DEV_TEMPORAL_ADDRESS names a server that was not started here');
  const refuse = () => Promise.reject(notOurs);
  return {
    ownership: 'external',
    address,
    uiUrl: process.env.SLUICE_DEV_TEMPORAL_UI_URL ?? '',
    pid: () => {
      throw notOurs;
    },
    stop: () => Promise.resolve(),
    outage: refusedOutage(refuse),
  };
}

/** Does not register them: that affects every user of the server, and cannot be undone everywhere. */
async function checkSearchAttributes(connection: Connection, address: string): Promise<void> {
  const known = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => known.customAttributes?.[name] === undefined);
  if (missing.length === 0) return;
  throw new DevServerError(
    `Temporal at ${address} (SLUICE_DEV_TEMPORAL_ADDRESS) has no search attribute ${missing.map(({ name }) => name).join(', ')}`,
    `register them: TEMPORAL_ADDRESS=${address} npx sluice setup`,
  );
}
