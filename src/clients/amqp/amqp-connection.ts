/** One connection to an AMQP 0-9-1 broker: to an allowed address only, and with bounded frames and messages. */
import { connect, type ChannelModel } from 'amqplib';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errorProperty } from '../../errors/foreign-errors';
import { allowedLookup, requireAllowedAddress } from '../blocked-addresses';
import type { AmqpSettings } from './amqp-settings';

export interface AmqpConnection {
  readonly model: ChannelModel;
  /** Resolves to the reason. */
  readonly ended: Promise<Error>;
  /** Called for each complete message. */
  messageReceived(): void;
  /** Idempotent: ends after what was sent. A broker that does not answer is left. */
  end(reason?: Error): void;
}

const CONNECT_WITHIN_MS = 8_000;
const END_WITHIN_MS = 500;
/** A consumer only listens, so only missing heartbeats reveal a connection that died silently: two of them. */
const HEARTBEAT_SECONDS = 3;
/** RabbitMQ's default, to which a broker may agree or not. */
const FRAME_BYTES = 131_072;
const LONGEST_FRAME = 1024 * 1024;
/** RabbitMQ sends no longer message. */
const LONGEST_MESSAGE = 128 * 1024 * 1024;
const LOOK_EVERY_MS = 50;

/** Throws AddressBlocked, and the errors of the library. */
export async function openAmqp({ host, port, vhost, username, password, tls }: AmqpSettings): Promise<AmqpConnection> {
  requireAllowedAddress(host);
  const destroying = new AbortController();
  const server = {
    protocol: tls === undefined ? 'amqp' : 'amqps',
    ...{ hostname: host, port, vhost, username, password },
    ...{ heartbeat: HEARTBEAT_SECONDS, frameMax: FRAME_BYTES, maxFrameSize: LONGEST_FRAME },
  };
  const socketOptions = {
    ...tls,
    lookup: allowedLookup,
    signal: destroying.signal,
    noDelay: true,
    clientProperties: { connection_name: 'sluice' },
  };
  const settled = new AbortController();
  const tooLate = delay(CONNECT_WITHIN_MS, undefined, { ref: false, signal: settled.signal }).then(() => {
    throw new Error(`the broker did not answer within ${CONNECT_WITHIN_MS / 1_000} s`);
  });
  try {
    const opening = async (): Promise<ChannelModel> => await connect(server, socketOptions);
    return new OpenConnection(await Promise.race([opening(), tooLate]), destroying);
  } catch (error) {
    destroying.abort();
    throw error;
  } finally {
    settled.abort();
  }
}

class OpenConnection implements AmqpConnection {
  readonly ended: Promise<Error>;
  private isOpen = true;
  private reason: Error | undefined;
  private bytesBefore = 0;
  private readonly socket: Socket | undefined;

  constructor(
    readonly model: ChannelModel,
    private readonly destroying: AbortController,
  ) {
    // The library reads a message to its end, however long it is announced to be.
    const stream = errorProperty(model.connection, 'stream');
    this.socket = stream instanceof Socket ? stream : undefined;
    const timer = setInterval(() => this.checkUnfinished(), LOOK_EVERY_MS).unref();
    this.ended = new Promise((resolve) => {
      model.on('error', (error) => (this.reason ??= error));
      model.on('close', (error) => {
        this.isOpen = false;
        clearInterval(timer);
        destroying.abort();
        resolve(this.reason ?? error ?? new Error('the connection was closed'));
      });
    });
  }

  messageReceived(): void {
    this.bytesBefore = this.socket?.bytesRead ?? 0;
  }

  end(reason?: Error): void {
    this.reason ??= reason;
    if (!this.isOpen) return;
    this.isOpen = false;
    this.model.close().catch(() => undefined);
    setTimeout(() => this.destroying.abort(), END_WITHIN_MS).unref();
  }

  private checkUnfinished(): void {
    const unfinished = (this.socket?.bytesRead ?? 0) - this.bytesBefore;
    if (unfinished <= LONGEST_MESSAGE + LONGEST_FRAME) return;
    this.reason ??= new Error('the broker sends a message that is longer than one can be');
    this.destroying.abort();
  }
}
