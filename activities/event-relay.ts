/**
 * Carries events from a source to the bus: filter, publish, and only then acknowledge.
 *
 * Plain logic without Temporal: the activity around it adds the heartbeat. Nothing ends here silently: an event is on
 * the bus, or filtered or rejected with a decision on record, or given back to where it came from.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, type ErrorCode, type SluiceError } from '../src/errors';
import type { Bus, BusLog } from '../src/bus/bus';
import type { CloudEvent } from '../src/event/cloud-event';
import { nameEvent, type Decision, type DecisionRecord } from '../src/event/decision-record';
import { deriveEventId } from '../src/event/event-id';
import type { JsonObject } from '../src/event/json';
import type { Delivery, ReceivedEvent, RejectedInput, Source } from '../src/sources/source';
import { findTraceparent } from '../src/tracing/trace-context';
import type { RelayTelemetry } from './relay-telemetry';

/** What the event source's own `filter` says of one payload. */
export type FilterVerdict =
  | { readonly pass: true }
  /** `code` is set where the filter could not be evaluated; the event is then filtered out, as in Argo Events. */
  | { readonly pass: false; readonly reason: string; readonly code?: ErrorCode };

/** Verdicts in the order of the payloads. Throws only when no payload can be judged. */
export type EventFilter = (payloads: readonly JsonObject[]) => Promise<readonly FilterVerdict[]>;

export interface EventRelayOptions {
  readonly namespace: string;
  readonly eventSourceName: string;
  readonly eventName: string;
  readonly cloudEventType: string;
  readonly source: Source;
  readonly bus: Pick<Bus, 'publishEvents' | 'recordDecisions' | 'flushDecisions'>;
  readonly log: BusLog;
  readonly filter?: EventFilter;
  /** Annotation `sluice.io/id-from`: an id out of the payload, instead of the derived one. */
  readonly idOf?: (payload: JsonObject) => string | undefined;
  /** Events read and not yet acknowledged; reading pauses above it. Default 1,000. */
  readonly maxInFlight?: number;
  readonly telemetry?: RelayTelemetry;
}

/** Since the relay was started. Goes into the heartbeat. */
export interface RelayCounts {
  readonly received: number;
  readonly published: number;
  /** Published before: the bus already had them. */
  readonly duplicates: number;
  readonly filtered: number;
  readonly rejected: number;
  /** Given back to the outside system, which delivers again or answers its caller with an error. */
  readonly failed: number;
  /** Lost, because the transport keeps nothing (Redis Pub/Sub) and the bus was away for too long. */
  readonly dropped: number;
  /** Where reading stands: acknowledged up to here. */
  readonly position?: string;
  /** RFC 3339. */
  readonly lastEventAt?: string;
  /** The source reads right now, as observed. */
  readonly connected: boolean;
  /** Why it does not, for a person. */
  readonly problem?: string;
}

const DEFAULT_MAX_IN_FLIGHT = 1_000;
const PUBLISH_PATIENCE_MS = 10_000;
/** After this, a stopping relay gives up on what is still under way; it will be delivered again. */
const STOP_WITHIN_MS = 8_000;
const LOG_EVERY_MS = 10_000;

/** A delivery turned into events for the bus and records of what will not become one. */
interface Prepared {
  readonly delivery: Delivery;
  readonly events: readonly CloudEvent[];
  readonly decisions: readonly DecisionRecord[];
}

export class EventRelay {
  private readonly totals = { received: 0, published: 0, duplicates: 0, filtered: 0, rejected: 0, failed: 0 };
  private readonly underWay = new Set<Promise<void>>();
  private inFlight = 0;
  private position: string | undefined;
  private lastEventAt: string | undefined;
  private lastReceivedAt = 0;
  private loggedAt = -Infinity;

  constructor(private readonly options: EventRelayOptions) {}

  counts(): RelayCounts {
    return {
      ...this.totals,
      ...this.options.source.status(),
      ...(this.position !== undefined && { position: this.position }),
      ...(this.lastEventAt !== undefined && { lastEventAt: this.lastEventAt }),
    };
  }

  /**
   * Relays until `signal` aborts (the same signal that the source has), then finishes what is under way and closes
   * the source. Throws what the source throws: something that a person must repair.
   */
  async run(signal: AbortSignal, onProgress: (counts: RelayCounts) => void = () => undefined): Promise<RelayCounts> {
    const { source, maxInFlight = DEFAULT_MAX_IN_FLIGHT } = this.options;
    try {
      for await (const delivery of source.deliveries()) {
        const prepared = await this.prepare(delivery);
        this.start(prepared, signal, onProgress);
        while (this.inFlight >= maxInFlight) await Promise.race(this.underWay);
      }
    } finally {
      await Promise.race([Promise.all(this.underWay), delay(STOP_WITHIN_MS, undefined, { ref: false })]);
      await source.close();
      onProgress(this.counts());
    }
    return this.counts();
  }

  /** Not awaited by `run`: reading goes on while former deliveries are published. */
  private start(prepared: Prepared, signal: AbortSignal, onProgress: (counts: RelayCounts) => void): void {
    const size = prepared.delivery.events.length + prepared.delivery.rejected.length;
    this.inFlight += size;
    const task = this.carry(prepared, signal).finally(() => {
      this.inFlight -= size;
      this.underWay.delete(task);
      onProgress(this.counts());
    });
    this.underWay.add(task);
  }

  private async prepare(delivery: Delivery): Promise<Prepared> {
    const now = new Date().toISOString();
    this.totals.received += delivery.events.length + delivery.rejected.length;
    this.lastEventAt = now;
    try {
      const verdicts = await this.judge(delivery.events);
      const events: CloudEvent[] = [];
      const decisions = delivery.rejected.map((input) => this.rejection(input, now));
      this.options.telemetry?.rejected(decisions.length);
      for (const [index, received] of delivery.events.entries()) {
        const event = this.toCloudEvent(received, now);
        const verdict = verdicts[index];
        if (verdict?.pass === false) {
          decisions.push(this.decision(event, 'filtered', now, filteredBy(verdict)));
          this.options.telemetry?.filtered(event, verdict.code);
        } else events.push(event);
      }
      return { delivery, events, decisions };
    } catch (error) {
      await delivery.release(error);
      throw error;
    }
  }

  private async judge(events: readonly ReceivedEvent[]): Promise<readonly FilterVerdict[]> {
    const { filter } = this.options;
    return filter && events.length > 0 ? filter(events.map((event) => event.data)) : [];
  }

  private async carry({ delivery, events, decisions }: Prepared, signal: AbortSignal): Promise<void> {
    try {
      const records = [...decisions, ...(await this.publish(events, signal))];
      if (records.length > 0) this.options.bus.recordDecisions(records);
      // What is rejected exists nowhere else: its record must be kept before the outside system forgets it.
      if (records.some((record) => record.decision === 'rejected')) {
        await orAborted(this.options.bus.flushDecisions(), signal);
      }
      this.totals.filtered += records.filter((record) => record.decision === 'filtered').length;
      this.totals.rejected += records.filter((record) => record.decision === 'rejected').length;
      await delivery.acknowledge();
      this.position = delivery.position ?? this.position;
    } catch (error) {
      this.totals.failed += events.length;
      this.options.telemetry?.givenBack(events, error);
      if (!signal.aborted)
        this.options.log('warn', `${this.name()}: ${events.length} events were given back: ${describeError(error)}`);
      await delivery.release(error);
    }
  }

  /**
   * Publishes all, waiting for a bus that is away for as long as the source can wait. Returns the records of events
   * that the bus will never take, and of those that it had already.
   */
  private async publish(events: readonly CloudEvent[], signal: AbortSignal): Promise<DecisionRecord[]> {
    const giveUpAt = performance.now() + (this.options.source.patienceMs ?? Number.POSITIVE_INFINITY);
    const records: DecisionRecord[] = [];
    let remaining = events;
    while (remaining.length > 0) {
      const patienceMs = Math.min(PUBLISH_PATIENCE_MS, Math.max(0, giveUpAt - performance.now()));
      const outcomes = await this.options.bus.publishEvents(remaining, { patienceMs, signal });
      const failed: CloudEvent[] = [];
      let problem: SluiceError | undefined;
      for (const [index, outcome] of outcomes.entries()) {
        const event = remaining[index];
        if (!event) continue;
        if (outcome.kind === 'published') {
          this.countPublished(event, outcome.duplicate);
          if (outcome.duplicate) records.push(this.repetition(event, outcome.sequence));
        } else if (outcome.error.retryable) {
          failed.push(event);
          problem = outcome.error;
        } else {
          const { code, message } = outcome.error;
          this.options.telemetry?.refused(event, outcome.error);
          records.push(this.decision(event, 'rejected', new Date().toISOString(), { code, reason: message }));
        }
      }
      if (problem && (signal.aborted || performance.now() >= giveUpAt)) throw problem;
      if (problem) {
        this.options.telemetry?.stillWaiting(failed.length);
        this.logWaiting(failed.length, problem);
      }
      remaining = failed;
    }
    return records;
  }

  private countPublished(event: CloudEvent, isDuplicate: boolean): void {
    this.options.telemetry?.published(event, isDuplicate);
    if (isDuplicate) this.totals.duplicates += 1;
    else this.totals.published += 1;
  }

  private logWaiting(events: number, problem: SluiceError): void {
    if (performance.now() - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = performance.now();
    this.options.log('warn', `${this.name()}: ${events} events wait for the event bus: ${problem.message}`);
  }

  private toCloudEvent(received: ReceivedEvent, now: string): CloudEvent {
    const { eventSourceName, eventName, cloudEventType, idOf, telemetry } = this.options;
    const { data, document } = received;
    const traceparent = findTraceparent(received.traceparent, document);
    const transportId = idOf?.(data) ?? received.transportId;
    const event: CloudEvent = {
      specversion: '1.0',
      id: deriveEventId({ eventName, transportId, document, data, receivedAt: this.receivedAt() }),
      source: eventSourceName,
      type: cloudEventType,
      subject: eventName,
      datacontenttype: 'application/json',
      time: received.time ?? now,
      data,
      ...(traceparent !== undefined && { traceparent }),
    };
    return telemetry?.begin(event) ?? event;
  }

  /** Microseconds, each later than the one before: two identical messages of one moment are still two events. */
  private receivedAt(): string {
    const now = Math.round((performance.timeOrigin + performance.now()) * 1000);
    this.lastReceivedAt = Math.max(now, this.lastReceivedAt + 1);
    const ms = Math.floor(this.lastReceivedAt / 1000);
    const microseconds = String(this.lastReceivedAt % 1000).padStart(3, '0');
    return new Date(ms).toISOString().replace('Z', `${microseconds}Z`);
  }

  private repetition(event: CloudEvent, sequence: number): DecisionRecord {
    const reason = 'it was received once more; the bus had it already';
    return { ...this.decision(event, 'duplicate', new Date().toISOString(), { reason }), sequence };
  }

  private rejection(input: RejectedInput, now: string): DecisionRecord {
    const { eventSourceName: source, eventName: subject } = this.options;
    const { transportId, code, reason } = input;
    const id = deriveEventId({ eventName: subject, transportId, data: { reason }, receivedAt: this.receivedAt() });
    return this.decision({ id, source, subject }, 'rejected', now, { code, reason });
  }

  private decision(
    event: Pick<CloudEvent, 'id' | 'source' | 'subject'>,
    decision: Decision,
    at: string,
    why: Pick<DecisionRecord, 'clause' | 'code' | 'reason'>,
  ): DecisionRecord {
    const { namespace, eventSourceName } = this.options;
    return {
      at,
      ...nameEvent(event),
      namespace,
      eventSource: eventSourceName,
      decision,
      ...why,
    };
  }

  private name(): string {
    const { namespace, eventSourceName, eventName } = this.options;
    return `event source ${namespace}/${eventSourceName}, event ${eventName}`;
  }
}

function filteredBy(
  verdict: Extract<FilterVerdict, { pass: false }>,
): Pick<DecisionRecord, 'clause' | 'code' | 'reason'> {
  return {
    clause: 'filter.expression',
    reason: verdict.reason,
    ...(verdict.code !== undefined && { code: verdict.code }),
  };
}

async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new Error('the event source is stopping'));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
