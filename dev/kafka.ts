import { Kafka, logLevel } from 'kafkajs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { startOnFreePorts } from './processes/free-ports';
import type { Outage } from './processes/outage';
import { startRestartableServer } from './processes/restartable-server';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { createTlsFiles, type TlsFiles } from './tls-certificates';

export interface StartKafkaOptions {
  /** A topic with two partitions that exists from the start. */
  topic?: string;
  /** Create topics on first use. */
  autoCreateTopics?: boolean;
  tls?: boolean;
  /** The port that clients are told, for a broker behind a balancer. */
  advertisedPort?: number;
  sasl?: { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string };
  /** Another user, who may read all topics with all groups and nothing else; asked at each start. Needs `sasl`. */
  reader?: () => { username: string; password: string };
  /** Topics, groups and rights outlive a restart. */
  keepsData?: boolean;
}

export interface RunningKafka {
  /** `host:port` */
  broker: string;
  port: number;
  /** Present when the broker speaks TLS. */
  tls?: TlsFiles;
  /** Ends the broker and deletes its data. Idempotent. */
  stop(): Promise<void>;
  /** Ends the broker as an outage would; `restart` starts it again. */
  stopKeepingAddress(): Promise<void>;
  /** Starts it again on the same port, empty unless it keeps its data. */
  restart(): Promise<void>;
  outage: Outage;
}

const HOST = '127.0.0.1';

/** Starts a fake Kafka broker in memory that speaks the real protocol: a real one needs a JVM and most of a minute. */
export async function startKafka(options: StartKafkaOptions = {}): Promise<RunningKafka> {
  const binary = await findBinary(tools.kfake);
  const folder = await createTemporaryFolder('kafka');
  try {
    const tls = options.tls === true ? await createTlsFiles(folder) : undefined;
    const data = join(folder, 'data');
    return await startOnFreePorts([undefined], async (port) => {
      const broker = `${HOST}:${port}`;
      const server = await startRestartableServer(folder, async () => {
        // The fake prefers the passwords that it kept to those that it is given.
        await rm(join(data, 'sasl.json'), { force: true });
        return await startServerProcess({
          name: 'kfake',
          command: binary,
          args: [
            '-port',
            String(port),
            ...formatArguments(options, tls),
            ...(options.keepsData ? ['-data-dir', data] : []),
          ],
          folder,
          isReady: () => isListening(broker, options, tls),
        });
      });
      return {
        broker,
        port,
        tls,
        stop: server.stop,
        stopKeepingAddress: server.stopKeepingData,
        restart: server.restart,
        outage: server.outage,
      };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

function formatArguments(
  { topic, autoCreateTopics, advertisedPort, sasl, reader }: StartKafkaOptions,
  tls: TlsFiles | undefined,
): string[] {
  const { username, password } = reader?.() ?? {};
  return [
    ...(topic === undefined ? [] : ['-topic', topic]),
    ...(autoCreateTopics === true ? ['-auto-create'] : []),
    ...(advertisedPort === undefined ? [] : ['-advertised-port', String(advertisedPort)]),
    ...(sasl === undefined ? [] : ['-mechanism', sasl.mechanism, '-user', sasl.username, '-password', sasl.password]),
    ...(username && password ? ['-reader', username, '-reader-password', password] : []),
    ...(tls === undefined ? [] : ['-certificate', tls.serverCertificatePath, '-key', tls.serverKeyPath]),
  ];
}

/** Any response counts, even one that requires credentials. */
async function isListening(broker: string, options: StartKafkaOptions, tls: TlsFiles | undefined): Promise<boolean> {
  const kafka = new Kafka({
    brokers: [broker],
    ssl: tls === undefined ? false : { rejectUnauthorized: false },
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 1_000,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    // What asks the cluster goes to the advertised address, where nothing may listen yet.
    if (options.sasl === undefined && options.advertisedPort === undefined) await admin.listTopics();
    return true;
  } finally {
    await admin.disconnect();
  }
}
