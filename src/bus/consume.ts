/**
 * How a sensor takes events from the bus: everything that waits, at once, so that batches grow only with the backlog.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../errors';
import type { BusListener, BusMessage, ListenerOptions, SensorBacklog } from './bus';
import type { BusConnection } from './connection';
import type { ExpiredEvents } from './expired-events';
import { FetchedMessage, parseDeliveryPosition } from './delivery';
import { ACK_WAIT_MS, ensureConsumer, findConsumer, restoreDelivery } from './durable-consumer';
import { PullRequest } from './pull-request';
import { ensureEventStream } from './stream';
import { WITHOUT_LISTENER, type SensorLooks } from './sensor-looks';
import { consumerName } from './subjects';

const MAX_FETCHED_AHEAD = 500;
/** Bounds memory where events are large; a single one always fits. */
const MAX_FETCHED_BYTES = 16 * 1024 * 1024;
const REPAIR_RETRY_MS = 250;
/** An event whose handling takes longer is delivered again: a handler that hangs must not hold it for ever. */
const MAX_HANDLING_MS = 120_000;

/**
 * Opens the sensor's durable consumer, and makes it if it is missing: then reading begins at `startFrom`. Nothing is
 * fetched before the first `pull`, so that a listener without an owner takes no events; closed when its signal aborts.
 */
export async function openListener(
  connection: BusConnection,
  manager: JetStreamManager,
  looks: SensorLooks,
  options: ListenerOptions,
): Promise<BusListener> {
  const { namespace, sensorName } = options;
  // Before anything is delivered, and before the subjects change: then all that is missing was never handled.
  const found = await looks.measure(namespace, sensorName, WITHOUT_LISTENER, true).catch(() => undefined);
  await ensureConsumer(manager, options);
  return new JetStreamListener(connection, manager, looks, options, found?.expired ?? []);
}

class JetStreamListener implements BusListener {
  private readonly name: string;
  private readonly capacity: number;
  private readonly request: PullRequest;
  private readonly keepAlive: NodeJS.Timeout;
  private isReading = false;
  private readonly stopWatching: () => void;
  /** By sequence: a message that is delivered again while its first copy waits here takes its place. */
  private readonly fetched = new Map<number, FetchedMessage>();
  /** Pulled and not answered yet, and until when each is kept. */
  private readonly inHand = new Map<FetchedMessage, number>();
  private readonly unanswered = new Set<number>();
  /** Received and given back to the bus; an event that expires there is never received again. */
  private readonly givenBack = new Set<number>();
  private readonly sinceLook = { received: 0, receivedAgain: 0 };
  private lastSequence = 0;
  private readonly wakers = new Set<() => void>();
  private repairing = false;
  private closing: Promise<void> | undefined;

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly looks: SensorLooks,
    private readonly options: ListenerOptions,
    private unreported: readonly ExpiredEvents[],
  ) {
    this.name = consumerName(options.namespace, options.sensorName);
    this.capacity = Math.min(MAX_FETCHED_AHEAD, Math.max(2, options.maxBatch * 2));
    this.request = new PullRequest(connection, this.name, {
      onMessage: (message) => this.receive(message),
      onFinished: () => this.askForMore(),
      onTrouble: () => void this.repair(),
      onRefused: (reason) => this.warn(`is not served by the event bus: ${reason}`),
    });
    this.stopWatching = connection.onReconnect(() => void this.repair());
    this.keepAlive = setInterval(() => this.keepEvents(), ACK_WAIT_MS / 4).unref();
    if (options.signal?.aborted) this.onAbort();
    else options.signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  async pull(max: number): Promise<BusMessage[]> {
    if (!this.isReading) {
      this.isReading = true;
      this.askForMore();
    }
    while (this.fetched.size === 0) {
      if (this.closing) return [];
      await new Promise<void>((resolve) => this.wakers.add(resolve));
    }
    const batch: FetchedMessage[] = [];
    for (const message of this.fetched.values()) {
      if (batch.length >= max) break;
      batch.push(message);
    }
    const keepUntil = performance.now() + MAX_HANDLING_MS;
    for (const message of batch) {
      this.fetched.delete(message.position.sequence);
      this.inHand.set(message, keepUntil);
    }
    this.askForMore();
    return batch.map((message) => message.toBusMessage());
  }

  async measureBacklog(alone: boolean): Promise<SensorBacklog> {
    const { namespace, sensorName } = this.options;
    const { received, receivedAgain } = this.sinceLook;
    const gone = (first: number): number[] => [...this.givenBack].filter((sequence) => sequence < first);
    let firstOnBus = 0;
    const givenBackGone = (first: number): number => (alone ? gone((firstOnBus = first)).length : 0);
    const context = { settled: false, alone, received, receivedAgain, givenBackGone };
    const backlog = await this.looks.measure(namespace, sensorName, context, true);
    // What came while the bus was asked counts for the next look.
    this.sinceLook.received -= received;
    this.sinceLook.receivedAgain -= receivedAgain;
    for (const sequence of gone(firstOnBus)) this.givenBack.delete(sequence);
    const expired = [...this.unreported, ...(backlog?.expired ?? [])];
    this.unreported = [];
    return { waiting: 0, inHand: 0, handledTo: 0, maxAgeMs: 0, history: [], ...backlog, expired };
  }

  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.stopWatching();
    this.wakePulls();
    // Draining waits for the server, which may be away: then there is nothing to give back either.
    if (this.connection.isConnected()) await this.request.close().catch(() => undefined);
    else void this.request.close().catch(() => undefined);
    for (const message of this.fetched.values()) message.release();
    this.fetched.clear();
    if (this.connection.isConnected()) await this.connection.nats.flush().catch(() => undefined);
  }

  private readonly onAbort = (): void => void this.close();

  /** Tells the bus that these events are being handled, here and now. */
  private keepEvents(): void {
    const now = performance.now();
    for (const [message, keepUntil] of this.inHand) {
      if (message.isAnswered || now > keepUntil) this.inHand.delete(message);
      else message.working();
    }
    for (const message of this.fetched.values()) message.working();
    // What was pulled may be handled for a while after the listener was closed.
    if (this.closing && this.inHand.size === 0) clearInterval(this.keepAlive);
  }

  private wakePulls(): void {
    for (const wake of this.wakers) wake();
    this.wakers.clear();
  }

  private receive(message: Msg): void {
    const position = parseDeliveryPosition(message.reply ?? '');
    if (!position) return;
    this.fetched.set(
      position.sequence,
      new FetchedMessage(position, message, (sequence, isGivenBack) => {
        this.unanswered.delete(sequence);
        if (isGivenBack) this.givenBack.add(sequence);
      }),
    );
    if (position.deliveryCount > 1) this.sinceLook.receivedAgain += 1;
    else this.sinceLook.received += 1;
    this.givenBack.delete(position.sequence);
    this.unanswered.add(position.sequence);
    this.lastSequence = Math.max(this.lastSequence, position.sequence);
    this.wakePulls();
  }

  /** One request at a time: it ends when it is used up, and the next one asks for the room there is by then. */
  private askForMore(): void {
    if (!this.isReading || this.closing || this.repairing) return;
    if (this.request.outstanding > 0 || !this.connection.isConnected()) return;
    const room = this.capacity - this.fetched.size;
    if (room < this.capacity / 2 || this.fetchedBytes() >= MAX_FETCHED_BYTES / 2) return;
    const largestMessage = this.connection.nats.info?.max_payload ?? 0;
    this.request.ask(room, Math.max(MAX_FETCHED_BYTES, 2 * largestMessage));
  }

  private fetchedBytes(): number {
    let bytes = 0;
    for (const message of this.fetched.values()) bytes += message.bytes;
    return bytes;
  }

  /** After a reconnection, a deleted consumer or a silent server: makes sure all is there, then asks again. */
  private async repair(): Promise<void> {
    if (this.repairing || this.closing) return;
    this.repairing = true;
    let complained = false;
    while (!this.closing) {
      try {
        await this.restoreConsumer();
        break;
      } catch (error) {
        if (!complained && this.connection.isConnected()) {
          complained = true;
          this.warn(`cannot read the event bus yet: ${describeError(error)}`);
        }
        await delay(REPAIR_RETRY_MS);
      }
    }
    this.repairing = false;
    this.request.forget();
    this.askForMore();
  }

  private async restoreConsumer(): Promise<void> {
    const existing = await findConsumer(this.manager, this.name).catch(() => undefined);
    if (existing !== undefined) {
      const changed = await restoreDelivery(this.manager, existing);
      if (changed.length > 0)
        this.warn(`had its consumer changed on the event bus; it was set back: ${changed.join(', ')}`);
      return;
    }
    await ensureEventStream(this.connection, this.manager);
    const change = await ensureConsumer(this.manager, this.options, this.resumeAt());
    if (change === 'created') this.warn('had no consumer on the event bus any more; it was created again');
  }

  private warn(text: string): void {
    this.connection.log('warn', `sensor ${this.options.namespace}/${this.options.sensorName} ${text}`);
  }

  /** The oldest event that nobody has confirmed; events that were confirmed after it may come a second time. */
  private resumeAt(): number | undefined {
    if (this.lastSequence === 0) return undefined;
    return this.unanswered.size > 0 ? Math.min(...this.unanswered) : this.lastSequence + 1;
  }
}
