/** How a sensor takes events from the bus: all pending ones at once, so that batches grow only with the backlog. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { parseDeliveryPosition, type DeliveryPosition } from '../clients/nats/delivery-position';
import { describeError } from '../errors/sluice-error';
import type { ArgoPosition } from './argo-positions';
import type { BusListener, BusMessage, SensorBacklog } from './bus';
import type { BusConnection } from './bus-connection';
import type { ConsumerPlace } from './consumer-place';
import type { ExpiredEvents } from './expired-events';
import { FetchedMessage } from './delivery';
import { ACK_WAIT_MS, findConsumer, restoreDelivery } from './durable-consumer';
import { PullRequest } from './pull-request';
import type { SensorLooks } from './sensor-looks';
import type { Wakers } from '../concurrency/wakers';

const MAX_FETCHED_AHEAD = 500;
/** Bounds memory where events are large; a single one always fits. */
const MAX_FETCHED_BYTES = 16 * 1024 * 1024;
const REPAIR_RETRY_MS = 250;
/** An event that is handled for longer is redelivered: a handler that hangs must not hold it forever. */
const MAX_HANDLING_MS = 120_000;

export interface ReaderOptions {
  readonly place: ConsumerPlace;
  /** `<namespace>/<name>` of the sensor, for the log. */
  readonly sensor: string;
  readonly maxBatch: number;
  readonly signal?: AbortSignal;
  /** Events up to here may have been handled after delivery by another consumer; 0: none. */
  readonly handledBefore: number;
  readonly handledByArgo: readonly ArgoPosition[];
  /** Losses found before reading began. */
  readonly unreported: readonly ExpiredEvents[];
  /** Recreates the consumer after it was deleted on the server. If omitted, the reader has nothing left to read. */
  readonly recreate?: (resumeAt: number | undefined) => Promise<'created' | 'updated' | 'unchanged'>;
  /** Woken when there is an event to take, and when the reader closes. */
  readonly wakers: Wakers;
}

/** Reads one durable consumer. Fetches nothing before `start`, so that a reader without an owner takes no events. */
export class ConsumerReader implements BusListener {
  private readonly capacity: number;
  private readonly request: PullRequest;
  private readonly keepAlive: NodeJS.Timeout;
  private isReading = false;
  private readonly stopWatching: () => void;
  /** By sequence: a redelivered message replaces its first copy if that still waits here. */
  private readonly fetched = new Map<number, FetchedMessage>();
  /** Pulled and not yet acknowledged, and until when each is kept. */
  private readonly inHand = new Map<FetchedMessage, number>();
  private readonly unanswered = new Set<number>();
  /** Received and nak'd; an event that expires on the bus after that is never received again. */
  private readonly givenBack = new Set<number>();
  private readonly sinceLook = { received: 0, receivedAgain: 0 };
  private lastSequence = 0;
  private repairing = false;
  private closing: Promise<void> | undefined;
  private unreported: readonly ExpiredEvents[];

  constructor(
    private readonly connection: BusConnection,
    private readonly manager: JetStreamManager,
    private readonly looks: SensorLooks,
    private readonly options: ReaderOptions,
  ) {
    this.unreported = options.unreported;
    this.capacity = Math.min(MAX_FETCHED_AHEAD, Math.max(2, options.maxBatch * 2));
    this.request = new PullRequest(connection, options.place, {
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

  get handledByArgo(): readonly ArgoPosition[] {
    return this.options.handledByArgo;
  }

  get isClosed(): boolean {
    return this.closing !== undefined;
  }

  async pull(max: number): Promise<BusMessage[]> {
    this.start();
    for (;;) {
      const batch = this.take(max);
      if (batch.length > 0 || this.isClosed) return batch;
      await this.options.wakers.wait();
    }
  }

  start(): void {
    if (this.isReading) return;
    this.isReading = true;
    this.askForMore();
  }

  /** Returns fetched messages without waiting. */
  take(max: number): BusMessage[] {
    if (this.isClosed) return [];
    const batch = [...this.fetched.values()].slice(0, max);
    if (batch.length === 0) return [];
    const keepUntil = performance.now() + MAX_HANDLING_MS;
    for (const message of batch) {
      this.fetched.delete(message.position.sequence);
      this.inHand.set(message, keepUntil);
    }
    this.askForMore();
    return batch.map((message) => message.toBusMessage());
  }

  async measureBacklog(alone: boolean): Promise<SensorBacklog> {
    const { received, receivedAgain } = this.sinceLook;
    const gone = (first: number): number[] => [...this.givenBack].filter((sequence) => sequence < first);
    let firstOnBus = 0;
    const givenBackGone = (first: number): number => (alone ? gone((firstOnBus = first)).length : 0);
    const context = { settled: false, alone, isIdle: alone && this.isIdle(), received, receivedAgain, givenBackGone };
    const backlog = await this.looks.measure(this.options.place, context, true);
    // Messages that arrived during the request to the bus count for the next measurement.
    this.sinceLook.received -= received;
    this.sinceLook.receivedAgain -= receivedAgain;
    for (const sequence of gone(firstOnBus)) this.givenBack.delete(sequence);
    const expired = [...this.unreported, ...(backlog?.expired ?? [])];
    this.unreported = [];
    return { waiting: 0, inHand: 0, handledTo: 0, maxAgeMs: 0, history: [], ...backlog, expired };
  }

  /** Everything for this sensor would have been sent here. */
  private isIdle(): boolean {
    const { received, receivedAgain } = this.sinceLook;
    const isHolding = this.fetched.size + this.unanswered.size + this.unreported.length > 0;
    const isAsking = this.request.outstanding > 0 && this.connection.isConnected() && !this.repairing;
    return isAsking && !isHolding && received + receivedAgain === 0;
  }

  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.stopWatching();
    this.looks.closed(this.options.place);
    this.options.wakers.wake();
    // Draining waits for the server; if that is unreachable, there is nothing to nak.
    if (this.connection.isConnected()) await this.request.close().catch(() => undefined);
    else void this.request.close().catch(() => undefined);
    for (const message of this.fetched.values()) message.nak();
    this.fetched.clear();
    if (this.connection.isConnected()) await this.connection.nats.flush().catch(() => undefined);
  }

  private readonly onAbort = (): void => void this.close();

  /** Signals the bus that these events are still being handled here. */
  private keepEvents(): void {
    const now = performance.now();
    for (const [message, keepUntil] of this.inHand) {
      if (message.isAnswered || now > keepUntil) this.inHand.delete(message);
      else message.working();
    }
    for (const message of this.fetched.values()) message.working();
    // Pulled events may be handled for a while after the listener was closed.
    if (this.closing && this.inHand.size === 0) clearInterval(this.keepAlive);
  }

  private receive(message: Msg): void {
    const position = parseDeliveryPosition(message.reply ?? '');
    if (!position) return;
    this.fetched.set(
      position.sequence,
      new FetchedMessage(this.markRepeated(position), message, (sequence, isGivenBack) => {
        this.unanswered.delete(sequence);
        if (isGivenBack) this.givenBack.add(sequence);
      }),
    );
    if (position.deliveryCount > 1) this.sinceLook.receivedAgain += 1;
    else this.sinceLook.received += 1;
    this.givenBack.delete(position.sequence);
    this.unanswered.add(position.sequence);
    this.lastSequence = Math.max(this.lastSequence, position.sequence);
    this.options.wakers.wake();
  }

  private markRepeated(position: DeliveryPosition): DeliveryPosition {
    if (position.sequence > this.options.handledBefore) return position;
    return { ...position, deliveryCount: position.deliveryCount + 1 };
  }

  /** Sends one request at a time: when it is used up, the next one asks for the capacity available by then. */
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

  /** After a reconnection, a deleted consumer or a silent server: ensures that the consumer exists, then asks again. */
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
    const existing = await findConsumer(this.manager, this.options.place);
    if (existing !== undefined) {
      const changed = await restoreDelivery(this.manager, existing);
      if (changed.length > 0)
        this.warn(`found its consumer changed on the event bus and restored it: ${changed.join(', ')}`);
      return;
    }
    const { recreate } = this.options;
    if (recreate === undefined) {
      void this.close();
      return;
    }
    if ((await recreate(this.resumeAt())) === 'created')
      this.warn('found no consumer on the event bus and recreated it');
  }

  private warn(text: string): void {
    this.connection.log('warn', `sensor ${this.options.sensor} ${text}`);
  }

  /** Returns the oldest unacknowledged event; events acknowledged after it may be redelivered. */
  private resumeAt(): number | undefined {
    if (this.lastSequence === 0) return undefined;
    return this.unanswered.size > 0 ? Math.min(...this.unanswered) : this.lastSequence + 1;
  }
}
