/** The Kafka cluster that an event source names: its settings, its connections, and how it fails. */
import type { Socket } from 'node:net';
import type { Kafka } from 'kafkajs';
import { errorText, hasErrorName } from '../../errors/foreign-errors';
import { isSluiceError, type SluiceError } from '../../errors/sluice-error';
import { requireAllowedTargets } from '../allowed-targets';
import type { ConnectionOwner } from '../connection-owner';
import { KnownSettings } from '../known-settings';
import type { FailureVerdict } from '../reconnection';
import { createKafka, describeBrokers, type KafkaSettings } from './kafka-client';
import { listBrokers, readKafkaSettings, type KafkaServerSpec } from './kafka-connection';
import { kafkaErrorType } from './kafka-failure';
import { limitReplies } from './reply-frames';

const TIMEOUT_MS = 6_000;

/** One set of connections. */
export interface KafkaConnections {
  readonly kafka: Kafka;
  /** Hears of each connection that a broker ends. The client opens another one by itself, and does not say so. */
  whenClosed(listener: () => void): void;
  /** Ends the connections at once, and fails what waits for them. */
  cutOff(): void;
}

export class KafkaCluster {
  /** As in messages: `Kafka at host:9092`. */
  readonly name: string;
  private readonly settings: KnownSettings<KafkaSettings>;

  constructor(
    spec: KafkaServerSpec,
    private readonly owner: ConnectionOwner,
  ) {
    this.name = describeBrokers(listBrokers(spec.url));
    this.settings = new KnownSettings(() => this.refusing(readKafkaSettings(spec, owner.namespace, owner.secrets)));
  }

  /** Does not connect yet. Throws errors that an operator must fix. */
  async open(signal: AbortSignal): Promise<KafkaConnections> {
    const settings = await this.settings.read(signal);
    await this.refusing(requireAllowedTargets(this.name, settings.brokers));
    const sockets = new Set<Socket>();
    let onClosed = (): void => undefined;
    const limit = (socket: Socket): void => {
      limitReplies(socket);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      const ended = (): void => {
        if (!socket.writableEnded) onClosed();
      };
      socket.once('end', ended);
      socket.once('error', ended);
    };
    const kafka = createKafka(settings, { limit, timeoutMs: TIMEOUT_MS, requestTimeoutMs: TIMEOUT_MS, retries: 1 });
    return {
      kafka,
      whenClosed: (listener) => {
        onClosed = listener;
      },
      cutOff: () => {
        for (const socket of sockets) socket.destroy(new Error('the connection was given up'));
      },
    };
  }

  failure(error: unknown, kind: 'unreachable' | 'misconfigured'): SluiceError {
    if (isSluiceError(error)) return error;
    const topic = 'Check that the topic exists, and that the user may read it and use the consumer group';
    const server = 'Check url, tls and sasl, and that each broker can be reached under the address that it advertises';
    const isAnswer = kafkaErrorType(error) !== undefined;
    return this.owner.failure(kind, {
      message: `${this.name}: ${describeKafkaProblem(error)}`,
      fix: isAnswer ? topic : server,
      cause: error,
    });
  }

  /** What triggers call refused or unsupported is a mistake in the manifest here. */
  private async refusing<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work;
    } catch (error) {
      if (!isSluiceError(error) || !/^TRIGGER_(REFUSED|UNSUPPORTED)$/.test(error.code)) throw error;
      throw this.owner.failure('misconfigured', { message: error.message, fix: error.fix, cause: error });
    }
  }
}

/** Whether waiting can help. */
export function kafkaVerdict(error: unknown): FailureVerdict {
  if (hasErrorName(error, 'KafkaJSSASLAuthenticationError')) return 'credentials';
  return /_AUTHORIZATION_FAILED$/.test(kafkaErrorType(error) ?? '') ? 'permanent' : 'transient';
}

/** What the broker, or the attempt to reach it, came to; no payload and no secret. */
export function describeKafkaProblem(error: unknown): string {
  if (hasErrorName(error, 'KafkaJSSASLAuthenticationError')) return 'the broker does not accept the credentials';
  switch (kafkaErrorType(error)) {
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return 'the topic does not exist';
    case 'INCONSISTENT_GROUP_PROTOCOL':
      return 'the consumer group has members with another rebalanceStrategy';
    default:
      return hasErrorName(error, 'KafkaJSConnectionClosedError')
        ? 'the broker closes the connection (does it expect TLS, or a login by sasl?)'
        : errorText(error);
  }
}
