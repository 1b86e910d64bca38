/** The client of Kafka, for the trigger and the source: how settings become connections, each of them guarded. */
import type { Socket } from 'node:net';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';
import { connectGuarded } from '../guarded-socket';
import type { TlsSettings } from '../tls';
import './compression';
import './record-headers';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly tls?: TlsSettings;
  readonly sasl?: SASLOptions;
}

export interface KafkaClientOptions {
  /** Bounds what a broker sends on this connection. */
  readonly limit: (socket: Socket) => void;
  /** For connecting and logging in. */
  readonly timeoutMs: number;
  /** For a reply; default: 30 s. */
  readonly requestTimeoutMs?: number;
  readonly retries: number;
}

const KEEP_ALIVE_MS = 60_000;

export function createKafka(
  { brokers, tls, sasl }: KafkaSettings,
  { limit, timeoutMs, requestTimeoutMs, retries }: KafkaClientOptions,
): Kafka {
  return new Kafka({
    clientId: 'sluice',
    brokers: [...brokers],
    ssl: tls ? { ...tls } : false,
    sasl,
    connectionTimeout: timeoutMs,
    authenticationTimeout: timeoutMs,
    ...(requestTimeoutMs !== undefined && { requestTimeout: requestTimeoutMs }),
    // Long waits belong to the caller, where an operator can see them.
    retry: { retries, initialRetryTime: 200 },
    logLevel: logLevel.NOTHING,
    // Each broker that the cluster advertises is connected here, too.
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connectGuarded({ host, port, ...(tls && { tls }) }, onConnect);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      limit(socket);
      return socket;
    },
  });
}

/** `Kafka at host:9092, other:9092`, as in messages. */
export function describeBrokers(brokers: readonly string[]): string {
  return `Kafka at ${brokers.join(', ')}`;
}
