/** A subscription to an MQTT topic in a session that the broker keeps, renewed after each lost connection. */
import { randomBytes } from 'node:crypto';
import { AddressBlocked, BLOCKED_ADDRESS_FIX } from '../clients/blocked-addresses';
import type { ConnectionOwner } from '../clients/connection-owner';
import { KnownSettings } from '../clients/known-settings';
import { MqttRefused, openMqtt, type MqttConnection, type MqttMessage } from '../clients/mqtt/mqtt-connection';
import {
  MqttUrlUnusable,
  describeMqttBroker,
  readMqttSettings,
  type MqttServerSpec,
  type MqttSettings,
} from '../clients/mqtt/mqtt-settings';
import { Reconnection, type FailureVerdict } from '../clients/reconnection';
import { openWhileWanted, unlessAborted } from '../concurrency/open-while-wanted';
import { errorText } from '../errors/foreign-errors';
import { isSluiceError } from '../errors/sluice-error';

/** A topic of this prefix shares its messages among its subscribers. */
const SHARED = '$share/';

export interface MqttTopic extends MqttServerSpec {
  readonly topic: string;
  readonly clientId: string;
}

export interface MqttSessionEvents {
  /** The topic that the session was subscribed to before, if it is another one. */
  readonly formerTopic: () => string | undefined;
  readonly onSubscribed: (hadSession: boolean) => void;
  readonly onMessage: (message: MqttMessage, connection: MqttConnection) => void;
}

export class MqttSession {
  private readonly closing = new AbortController();
  private readonly reconnection: Reconnection;
  private readonly settings: KnownSettings<MqttSettings>;
  private connection: MqttConnection | undefined;
  private isReading = false;
  private isRenewing = false;

  constructor(
    private readonly spec: MqttTopic,
    private readonly owner: ConnectionOwner,
    private readonly events: MqttSessionEvents,
  ) {
    this.reconnection = new Reconnection(describeMqttBroker(spec.url), owner.log);
    this.settings = new KnownSettings(() => readMqttSettings(spec, owner.namespace, owner.secrets));
  }

  /** The broker has confirmed the subscription, and answers. */
  isSubscribed(): boolean {
    return this.isReading;
  }

  problem(): string | undefined {
    return this.isReading ? undefined : this.reconnection.problem();
  }

  /**
   * Connects and subscribes once, as another client: the broker would close the connection of the reader. Members of a
   * shared subscription take messages, so it is not joined.
   */
  async probe(): Promise<void> {
    const { signal } = this.owner;
    try {
      const clientId = `sluice-check-${randomBytes(4).toString('hex')}`;
      const options = { clientId, keepsSession: false, onMessage: () => undefined };
      const opening = openMqtt(await this.settings.read(signal), options);
      const connection = await openWhileWanted(opening, signal, (opened) => opened.end());
      try {
        if (!this.spec.topic.startsWith(SHARED)) await unlessAborted(connection.subscribe(this.spec.topic, 0), signal);
      } finally {
        connection.end();
      }
    } catch (error) {
      if (isSluiceError(error)) throw error;
      throw this.failure(error, verdictOf(error) === 'transient' ? 'unreachable' : 'misconfigured');
    }
  }

  /** Opens another connection: the broker then delivers again what was not acknowledged. */
  renew(): void {
    this.isRenewing = true;
    this.connection?.end();
  }

  close(): void {
    this.closing.abort();
    this.connection?.end();
  }

  /**
   * Connects until `stopping` aborts; an open connection stays until `close`, for acknowledgements. Throws errors that an
   * operator must fix.
   */
  async run(stopping: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping, this.closing.signal]);
    while (!signal.aborted) {
      try {
        if (!this.isRenewing) await this.reconnection.pause(signal);
        this.isRenewing = false;
        await this.follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (this.isRenewing) continue;
        if (isSluiceError(error)) throw error;
        if (!this.reconnection.failed(describe(error), verdictOf(error))) throw this.failure(error, 'misconfigured');
      }
    }
  }

  /** Throws when the connection ends. */
  private async follow(signal: AbortSignal): Promise<never> {
    const connection = await this.open(signal);
    try {
      const { topic } = this.spec;
      const formerTopic = this.events.formerTopic();
      if (formerTopic !== undefined) await unlessAborted(connection.unsubscribe(formerTopic), signal);
      await unlessAborted(connection.subscribe(topic, 1), signal);
      this.isReading = true;
      this.reconnection.worked();
      this.events.onSubscribed(connection.hadSession);
      throw await unlessAborted(connection.ended, this.closing.signal);
    } finally {
      this.isReading = false;
      connection.end();
    }
  }

  private async open(signal: AbortSignal): Promise<MqttConnection> {
    const settings = await this.settings.read(signal);
    // The messages of a kept session may arrive before the connection is known here.
    const early: MqttMessage[] = [];
    let receive = (message: MqttMessage): void => void early.push(message);
    const { clientId } = this.spec;
    const opening = openMqtt(settings, { clientId, keepsSession: true, onMessage: (message) => receive(message) });
    const open = await openWhileWanted(opening, signal, (opened) => opened.end());
    receive = (message) => this.events.onMessage(message, open);
    this.connection = open;
    early.forEach(receive);
    return open;
  }

  private failure(error: unknown, kind: 'unreachable' | 'misconfigured'): Error {
    return this.owner.failure(kind, {
      message: `${describeMqttBroker(this.spec.url)}: ${errorText(error)}`,
      fix: fixOf(error, kind, this.spec.topic),
      cause: error,
    });
  }
}

/** Two readers of one client id end each other's connection, without a word from the broker. */
function describe(error: unknown): string {
  const text = errorText(error);
  return text.startsWith('the broker closed')
    ? `${text}; check tls, and that no other client has the same clientId`
    : text;
}

function verdictOf(error: unknown): FailureVerdict {
  if (error instanceof MqttRefused) return error.verdict;
  return error instanceof MqttUrlUnusable || error instanceof AddressBlocked ? 'permanent' : 'transient';
}

function fixOf(error: unknown, kind: 'unreachable' | 'misconfigured', topic: string): string {
  if (error instanceof MqttUrlUnusable) return 'Correct url';
  if (error instanceof AddressBlocked) return BLOCKED_ADDRESS_FIX;
  if (kind === 'unreachable') return 'Check url and tls, and that the broker can be reached from the worker';
  return `Check auth and its Secret, clientId, and that the user may subscribe to ${topic}`;
}
