/** A consumer of an AMQP queue, set up again after each lost connection. */
import type { Channel, ConsumeMessage, ConsumeMessageFields, Message } from 'amqplib';
import { openAmqp, type AmqpConnection } from '../clients/amqp/amqp-connection';
import { amqpVerdict, type AmqpPhase } from '../clients/amqp/amqp-failure';
import {
  AmqpUrlUnusable,
  describeAmqpBroker,
  readAmqpSettings,
  type AmqpSettings,
} from '../clients/amqp/amqp-settings';
import { AddressBlocked, BLOCKED_ADDRESS_FIX } from '../clients/blocked-addresses';
import type { ConnectionOwner } from '../clients/connection-owner';
import { KnownSettings } from '../clients/known-settings';
import { Reconnection } from '../clients/reconnection';
import { openWhileWanted, unlessAborted } from '../concurrency/open-while-wanted';
import { errorNumber, errorText } from '../errors/foreign-errors';
import { isSluiceError } from '../errors/sluice-error';
import { AmqpArgumentsUnusable, declareTopology, type AmqpOptions } from './amqp-topology';

const NOT_FOUND = 404;
/** How many messages the broker may send before it gets an acknowledgement. */
const PREFETCH = 100;
const NO_CONTENT = Buffer.alloc(0);
const NO_PROPERTIES: Message['properties'] = {
  contentType: undefined,
  contentEncoding: undefined,
  headers: undefined,
  deliveryMode: undefined,
  priority: undefined,
  correlationId: undefined,
  replyTo: undefined,
  expiration: undefined,
  messageId: undefined,
  timestamp: undefined,
  type: undefined,
  userId: undefined,
  appId: undefined,
  clusterId: undefined,
};

/** One message of one channel, which alone can settle it. */
export interface ConsumedMessage {
  readonly message: ConsumeMessage;
  readonly channel: ConsumedChannel;
}

/** Settles messages; no effect once the channel is closed: the broker then delivers them again. */
export class ConsumedChannel {
  isOpen = true;
  /** Messages that are neither acknowledged nor returned. */
  private unsettled = 0;

  constructor(private readonly channel: Channel) {
    channel.on('close', () => (this.isOpen = false));
  }

  /** Returns false if the broker sends more than the prefetch allows. */
  received(): boolean {
    this.unsettled += 1;
    return this.unsettled <= PREFETCH;
  }

  acknowledge(fields: ConsumeMessageFields): void {
    this.send(() => this.channel.ack(withoutContent(fields)));
  }

  /** The broker delivers it again at once. */
  giveBack(fields: ConsumeMessageFields): void {
    this.send(() => this.channel.nack(withoutContent(fields), false, true));
  }

  /** A channel that is just being closed throws. */
  private send(settle: () => void): void {
    try {
      if (!this.isOpen) return;
      this.unsettled -= 1;
      settle();
    } catch {
      this.isOpen = false;
    }
  }
}

/** The client reads the delivery tag only. */
function withoutContent(fields: ConsumeMessageFields): Message {
  return { fields, content: NO_CONTENT, properties: NO_PROPERTIES };
}

export interface AmqpConsumerEvents {
  readonly onMessage: (consumed: ConsumedMessage) => void;
  readonly onChannelClosed: () => void;
}

export class AmqpConsumer {
  private readonly closing = new AbortController();
  private readonly reconnection: Reconnection;
  private readonly settings: KnownSettings<AmqpSettings>;
  private connection: AmqpConnection | undefined;
  private counting: AmqpConnection | undefined;
  private phase: AmqpPhase = 'connecting';
  private isReading = false;

  constructor(
    private readonly spec: AmqpOptions,
    private readonly owner: ConnectionOwner,
    private readonly events: AmqpConsumerEvents,
  ) {
    this.reconnection = new Reconnection(describeAmqpBroker(spec), owner.log);
    this.settings = new KnownSettings(() => readAmqpSettings(spec, owner.namespace, owner.secrets));
  }

  /** The broker has confirmed the consumer, and answers. */
  isConsuming(): boolean {
    return this.isReading;
  }

  /** Another connection counts what waits, and works. */
  isCounting(): boolean {
    return this.counting !== undefined;
  }

  problem(): string | undefined {
    return this.isReading ? undefined : this.reconnection.problem();
  }

  /** Connects and opens a channel. Declares nothing. */
  async probe(): Promise<void> {
    const { signal } = this.owner;
    try {
      const connection = await this.open(signal);
      try {
        await unlessAborted(connection.model.createChannel(), signal);
      } finally {
        connection.end();
      }
    } catch (error) {
      throw this.failureOf(error, 'connecting');
    }
  }

  /** Counts the messages that no reader has; 0 for a queue that does not exist yet. */
  async countReady(queue: string, signal: AbortSignal): Promise<number> {
    try {
      const connection = await this.connectionToCount(signal);
      const channel = await unlessAborted(connection.model.createChannel(), signal);
      channel.on('error', () => undefined);
      try {
        const { messageCount } = await unlessAborted(channel.checkQueue(queue), signal);
        channel.close().catch(() => undefined);
        return messageCount;
      } catch (error) {
        if (errorNumber(error, 'code') === NOT_FOUND) return 0;
        throw error;
      }
    } catch (error) {
      throw this.failureOf(error, 'consuming');
    }
  }

  close(): void {
    this.closing.abort();
    this.connection?.end();
    this.counting?.end();
  }

  /**
   * Connects until `stopping` aborts; an open connection stays until `close`, for acknowledgements. Throws errors that an
   * operator must fix.
   */
  async run(stopping: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping, this.closing.signal]);
    while (!signal.aborted) {
      try {
        await this.reconnection.pause(signal);
        this.phase = 'connecting';
        await this.follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isSluiceError(error)) throw error;
        const verdict = error instanceof AmqpArgumentsUnusable ? 'permanent' : amqpVerdict(error, this.phase);
        if (!this.reconnection.failed(errorText(error), verdict)) throw this.failure(error, 'misconfigured');
      }
    }
  }

  /** Throws when the connection ends. */
  private async follow(signal: AbortSignal): Promise<never> {
    const connection = await this.open(signal);
    this.connection = connection;
    let consumed: ConsumedChannel | undefined;
    try {
      this.phase = 'declaring';
      const channel = await unlessAborted(connection.model.createChannel(), signal);
      consumed = new ConsumedChannel(channel);
      channel.on('error', (error) => connection.end(error));
      channel.on('close', () => connection.end());
      // A channel that the broker closes may reject the answer that is waited for with less than its reason.
      const ended = connection.ended.then((reason) => Promise.reject(reason));
      await unlessAborted(Promise.race([this.consume(channel, consumed, connection), ended]), signal);
      this.phase = 'consuming';
      this.isReading = true;
      this.reconnection.worked();
      throw await unlessAborted(connection.ended, this.closing.signal);
    } finally {
      this.isReading = false;
      if (consumed !== undefined) consumed.isOpen = false;
      connection.end();
      this.events.onChannelClosed();
    }
  }

  private async consume(channel: Channel, consumed: ConsumedChannel, connection: AmqpConnection): Promise<void> {
    const queue = await declareTopology(channel, this.spec);
    await channel.prefetch(PREFETCH);
    const { consumerTag, exclusive, noLocal } = this.spec.consume ?? {};
    const onMessage = (message: ConsumeMessage | null): void => {
      connection.messageReceived();
      if (message !== null && !consumed.received()) {
        connection.end(new Error('the broker sends more messages than the prefetch allows'));
      } else if (message !== null) this.events.onMessage({ message, channel: consumed });
      else connection.end(new Error(`the broker ended the consumer: queue "${queue}" was deleted or moved`));
    };
    await channel.consume(queue, onMessage, {
      ...(consumerTag && { consumerTag }),
      exclusive: exclusive === true,
      noLocal: noLocal === true,
    });
  }

  private async connectionToCount(signal: AbortSignal): Promise<AmqpConnection> {
    if (this.isReading && this.connection !== undefined) return this.connection;
    if (this.counting !== undefined) return this.counting;
    await this.reconnection.pause(signal);
    const counting = await this.open(signal);
    this.counting = counting;
    void counting.ended.then(() => (this.counting = undefined));
    this.reconnection.worked();
    return counting;
  }

  private async open(signal: AbortSignal): Promise<AmqpConnection> {
    const settings = await this.settings.read(signal);
    return await openWhileWanted(openAmqp(settings), signal, (opened) => opened.end());
  }

  private failureOf(error: unknown, phase: AmqpPhase): unknown {
    if (isSluiceError(error) || this.owner.signal.aborted) return error;
    const verdict = amqpVerdict(error, phase);
    if (verdict === 'transient') this.reconnection.failed(errorText(error), verdict);
    return this.failure(error, verdict === 'transient' ? 'unreachable' : 'misconfigured');
  }

  private failure(error: unknown, kind: 'unreachable' | 'misconfigured'): Error {
    return this.owner.failure(kind, {
      message: `${describeAmqpBroker(this.spec, this.settings.last)}: ${errorText(error)}`,
      fix: fixOf(error, kind),
      cause: error,
    });
  }
}

function fixOf(error: unknown, kind: 'unreachable' | 'misconfigured'): string {
  if (error instanceof AmqpUrlUnusable) return 'Correct url, or the Secret that urlSecret names';
  if (error instanceof AmqpArgumentsUnusable) return 'Correct queueDeclare.arguments';
  if (error instanceof AddressBlocked) return BLOCKED_ADDRESS_FIX;
  if (kind === 'unreachable') return 'Check url and tls, and that the broker can be reached from the worker';
  return 'Check auth and its Secret, the virtual host in url, and that exchangeDeclare and queueDeclare fit the exchange and the queue of the broker';
}
