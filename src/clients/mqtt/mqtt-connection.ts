/**
 * One connection to an MQTT 3.1.1 broker: to an allowed address only, with bounded packets, and with acknowledgements
 * that its user sends. mqtt.js itself would acknowledge a message before the next one is read.
 */
import { MqttClient, type IPublishPacket } from 'mqtt';
import type { Socket } from 'node:net';
import { errorNumber, errorText } from '../../errors/foreign-errors';
import { connectGuarded } from '../guarded-socket';
import type { FailureVerdict } from '../reconnection';
import type { MqttSettings } from './mqtt-settings';
import { PacketLimits } from './packet-limits';

export interface MqttMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** 0 with quality of service 0. */
  readonly packetId: number;
  /** The broker sends it once more, because it was not acknowledged. */
  readonly isRedelivered: boolean;
  /** Sent because of the subscription: the topic's last message. */
  readonly isRetained: boolean;
}

export interface MqttSessionOptions {
  readonly clientId: string;
  /** The broker keeps the subscriptions and messages of this client while it is away. */
  readonly keepsSession: boolean;
  readonly onMessage: (message: MqttMessage) => void;
}

export interface MqttConnection {
  /** The broker still had the session of this client. */
  readonly hadSession: boolean;
  /** Resolves to the reason. */
  readonly ended: Promise<Error>;
  /** Throws MqttRefused if the broker does not allow it. */
  subscribe(filter: string, quality: 0 | 1): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Returns false after the end: the broker sends the message once more. */
  acknowledge(packetId: number): boolean;
  /** Idempotent. The broker keeps the session. */
  end(): void;
}

/** The broker answered, and does not do what was asked. */
export class MqttRefused extends Error {
  constructor(
    message: string,
    readonly verdict: FailureVerdict,
  ) {
    super(message);
  }
}

const CONNECT_WITHIN_MS = 8_000;
/** A subscriber only listens, so only an unanswered ping reveals a connection that died silently. */
const PING_EVERY_SECONDS = 4;
const END_WITHIN_MS = 500;
const REFUSED_SUBSCRIPTION = 128;
const BROKER_UNAVAILABLE = 3;
const REFUSED_LOGIN = new Set([4, 5]);

/** Throws AddressBlocked, MqttRefused, and the errors of the socket. */
export function openMqtt(settings: MqttSettings, options: MqttSessionOptions): Promise<MqttConnection> {
  const { host, port, tls, username, password } = settings;
  let socket: Socket | undefined;
  const client = new MqttClient(
    () => {
      socket = connectGuarded({ host, port, ...(tls && { tls }) });
      limitPackets(socket);
      return socket;
    },
    {
      protocolVersion: 4,
      clientId: options.clientId,
      clean: !options.keepsSession,
      keepalive: PING_EVERY_SECONDS,
      connectTimeout: CONNECT_WITHIN_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      manualConnect: true,
      timerVariant: 'native',
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    },
  );
  // An error for its callback lets the client read on without acknowledging.
  client.handleMessage = (packet, callback) => {
    options.onMessage(toMessage(packet));
    callback(new Error('acknowledged later'));
  };
  let reason: Error | undefined;
  const fail = (error: Error): void => {
    reason ??= error;
    socket?.destroy();
  };
  client.on('error', (error) => fail(asRefusal(error)));
  client.on('packetreceive', (packet) => {
    // The client would keep it in memory until the broker completes the exchange.
    if (packet.cmd === 'publish' && packet.qos === 2) fail(new Error('the broker sends with quality of service 2'));
  });
  const ended = new Promise<Error>((resolve) => {
    client.on('close', () => {
      client.end(true);
      resolve(reason ?? new Error('the broker closed the connection'));
    });
  });
  return new Promise((resolve, reject) => {
    void ended.then(reject);
    client.once('connect', ({ sessionPresent }) =>
      resolve(new OpenConnection(client, sessionPresent, ended, () => socket?.destroy())),
    );
    client.connect();
    socket?.on('error', fail);
  });
}

class OpenConnection implements MqttConnection {
  private isOpen = true;

  constructor(
    private readonly client: MqttClient,
    readonly hadSession: boolean,
    readonly ended: Promise<Error>,
    private readonly destroy: () => void,
  ) {
    void ended.then(() => (this.isOpen = false));
  }

  async subscribe(filter: string, quality: 0 | 1): Promise<void> {
    let granted;
    try {
      granted = await this.orEnd(this.client.subscribeAsync(filter, { qos: quality }));
    } catch (error) {
      if (!isRefusedSubscription(error)) throw error;
    }
    if (granted?.every(({ qos }) => qos !== REFUSED_SUBSCRIPTION)) return;
    throw new MqttRefused(`the broker does not allow the subscription to "${filter}"`, 'permanent');
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.orEnd(this.client.unsubscribeAsync(filter));
  }

  acknowledge(packetId: number): boolean {
    if (this.isOpen) this.client.stream.write(Buffer.from([0x40, 2, packetId >> 8, packetId & 0xff]));
    return this.isOpen;
  }

  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.client.end();
    setTimeout(this.destroy, END_WITHIN_MS).unref();
  }

  /** Its client leaves a request open if the connection ends before the answer. */
  private async orEnd<Answer>(request: Promise<Answer>): Promise<Answer> {
    return await Promise.race([request, this.ended.then((reason) => Promise.reject(reason))]);
  }
}

function toMessage({ topic, payload, qos, messageId = 0, dup, retain }: IPublishPacket): MqttMessage {
  return {
    topic,
    // The client's view would keep the whole chunk that was read from the socket.
    payload: Buffer.from(payload),
    packetId: qos === 0 ? 0 : messageId,
    isRedelivered: dup,
    isRetained: retain,
  };
}

function limitPackets(socket: Socket): void {
  const limits = new PacketLimits();
  socket.on('data', (chunk: Buffer) => {
    const problem = limits.add(chunk);
    if (problem !== undefined) socket.destroy(new Error(`this is no MQTT broker to rely on: ${problem}`));
  });
}

/** Codes of CONNACK in MQTT 3.1.1. */
function asRefusal(error: Error): Error {
  const code = errorNumber(error, 'code');
  if (code === undefined || code === BROKER_UNAVAILABLE) return error;
  return new MqttRefused(errorText(error), REFUSED_LOGIN.has(code) ? 'credentials' : 'permanent');
}

function isRefusedSubscription(error: unknown): boolean {
  return (
    errorNumber(error, 'code') === REFUSED_SUBSCRIPTION || /^(?:Invalid topic|Subscribe error)/.test(errorText(error))
  );
}
