/**
 * Carries events from a source to the bus: filter, publish, and only then acknowledge.
 *
 * Plain logic without Temporal: the activity around it adds the heartbeat. No event ends silently: it is on the bus, or
 * filtered or rejected with a decision on record, or released to the system that delivered it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, type ErrorCode, type SluiceError } from '../../src/errors/sluice-error';
import type { Bus, BusLog } from '../../src/bus/bus';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { DecisionRecord } from '../../src/records/decision-record';
import { Pace } from '../../src/concurrency/pace';
import { jsonOf } from '../../src/event/event-data';
import type { JsonDocument, ObjectDocument } from '../../src/event/json-text';
import type { Delivery, RejectedEvent, Source } from '../../src/sources/source';
import { SourceQuota, type EventQuota } from './event-quota';
import { withData, type ItemHydration, type ItemMissing } from './item-hydration';
import { ReceivedEvents, type ReceivedEventsOptions } from './received-events';
import type { RelayTelemetry } from './relay-telemetry';
import { GAVE_UP, StopDeadline } from './stop-deadline';

/** Verdict of the event source's own `filter` on one payload. */
export type FilterVerdict =
  | { readonly pass: true }
  /** `code` is set if the filter could not be evaluated; the event is then filtered out, as in Argo Events. */
  | { readonly pass: false; readonly reason: string; readonly code?: ErrorCode };

/** Returns verdicts in the order of the payloads. Throws only if no payload can be judged. */
export type EventFilter = (payloads: readonly JsonDocument[]) => Promise<readonly FilterVerdict[]>;

export interface EventRelayOptions extends ReceivedEventsOptions {
  readonly source: Source;
  readonly bus: Pick<Bus, 'publishEvents' | 'recordDecisions' | 'flushDecisions'>;
  readonly log: BusLog;
  readonly filter?: EventFilter;
  /** Changes what a delivery holds before anything else; must not throw. */
  readonly split?: (delivery: Delivery) => Delivery;
  /** Fetches the items that events link to, before the filter. */
  readonly hydration?: ItemHydration;
  /** Of the namespace; absent: no limit. */
  readonly quota?: EventQuota;
  /** Events read and not yet acknowledged; reading pauses above it. */
  readonly maxInFlight: number;
  readonly telemetry?: RelayTelemetry;
  /** After this time a stopping relay gives up on events in flight; they will be redelivered. Default 8,000. */
  readonly stopWithinMs?: number;
}

/** Since the relay was started. Goes into the heartbeat. */
export interface RelayCounts {
  readonly received: number;
  readonly published: number;
  /** The bus already had them from an earlier publish. */
  readonly duplicates: number;
  readonly filtered: number;
  readonly rejected: number;
  /** Released to the outside system, which redelivers them or returns an error to its caller. */
  readonly failed: number;
  /** Lost, because the transport keeps nothing (Redis Pub/Sub) and the bus was unavailable for too long. */
  readonly dropped: number;
  /** Read position: acknowledged up to here. */
  readonly position?: string;
  /** RFC 3339. */
  readonly lastEventAt?: string;
  /** The source is reading right now, as observed. */
  readonly connected: boolean;
  /** Why it is not reading, for the operator. */
  readonly problem?: string;
}

const PUBLISH_PATIENCE_MS = 10_000;
const DEFAULT_STOP_WITHIN_MS = 8_000;
const HYDRATE = 'sluice.io/hydrate';
const LOG_EVERY_MS = 10_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A delivery turned into events for the bus and records of input that will not become one. */
interface Prepared {
  readonly delivery: Delivery;
  readonly events: readonly CloudEvent[];
  readonly linked: readonly LinkedEvent[];
  readonly decisions: readonly DecisionRecord[];
  readonly rejected: readonly RejectedEvent[];
}

/** An event whose item is still to be fetched; the filter judges it afterwards. */
interface LinkedEvent {
  readonly event: CloudEvent;
  readonly data: ObjectDocument;
  readonly link: string;
}

/** Events that the bus rejected permanently, or already had. */
interface Published {
  readonly decisions: readonly DecisionRecord[];
  readonly rejected: readonly RejectedEvent[];
}

export class EventRelay {
  private readonly totals = { received: 0, published: 0, duplicates: 0, filtered: 0, rejected: 0, failed: 0 };
  private readonly underWay = new Set<Promise<void>>();
  private readonly received: ReceivedEvents;
  private readonly quota: SourceQuota | undefined;
  private inFlight = 0;
  /** The filter could not judge an event whose item had been fetched: reading ends with its error. */
  private broken: { readonly error: unknown } | undefined;
  private position: string | undefined;
  private lastEventAt: string | undefined;
  private readonly logPace = new Pace(LOG_EVERY_MS);

  constructor(private readonly options: EventRelayOptions) {
    this.received = new ReceivedEvents(options);
    this.quota = options.quota && new SourceQuota(options.quota);
  }

  counts(): RelayCounts {
    const status = this.options.source.status();
    // The quota first: it may be the cause of what the source reports.
    const problems = [this.quota?.problem(), status.problem ?? this.options.hydration?.problem()];
    const problem = problems.filter((each) => each !== undefined).join('; ');
    return {
      ...this.totals,
      ...status,
      ...(problem !== '' && { problem }),
      ...(this.position !== undefined && { position: this.position }),
      ...(this.lastEventAt !== undefined && { lastEventAt: this.lastEventAt }),
    };
  }

  /**
   * Relays until `signal` aborts (the source has the same signal), then finishes events in flight and closes the
   * source, within `stopWithinMs` whatever hangs. Throws the source's errors: an operator must fix their cause.
   */
  async run(signal: AbortSignal, onProgress: (counts: RelayCounts) => void = () => undefined): Promise<RelayCounts> {
    const { stopWithinMs = DEFAULT_STOP_WITHIN_MS } = this.options;
    const stopping = new StopDeadline(signal, stopWithinMs);
    const deliveries = this.options.source.deliveries()[Symbol.asyncIterator]();
    try {
      await this.read(deliveries, signal, stopping, onProgress);
    } finally {
      await this.finish(deliveries, signal.aborted ? stopping : StopDeadline.startingNow(stopWithinMs));
      stopping.dispose();
      onProgress(this.counts());
    }
    return this.counts();
  }

  private async read(
    deliveries: AsyncIterator<Delivery>,
    signal: AbortSignal,
    stopping: StopDeadline,
    onProgress: (counts: RelayCounts) => void,
  ): Promise<void> {
    const { maxInFlight } = this.options;
    for (;;) {
      if ((await stopping.orGiveUp(this.payQuota(signal))) === GAVE_UP) return;
      const next = await stopping.orGiveUp(deliveries.next());
      if (next === GAVE_UP) return;
      if (next.done) {
        // Of a back-fill, whose next window has a relay of its own.
        await stopping.orGiveUp(this.payQuota(signal));
        return;
      }
      if (this.broken !== undefined) {
        await this.giveBack(next.value, [], this.broken.error);
        throw this.broken.error;
      }
      const delivery = this.options.split?.(next.value) ?? next.value;
      this.quota?.owe(delivery.events.length + delivery.rejected.length);
      const prepared = await stopping.orGiveUp(this.prepare(delivery));
      if (prepared === GAVE_UP) return;
      this.start(prepared, signal, onProgress);
      while (this.inFlight >= maxInFlight) {
        if ((await stopping.orGiveUp(Promise.race(this.underWay))) === GAVE_UP) return;
      }
    }
  }

  private async payQuota(signal: AbortSignal): Promise<void> {
    const waitedMs = await this.quota?.pay(signal);
    if (waitedMs !== undefined && waitedMs > 0) this.options.telemetry?.heldBack(waitedMs);
  }

  private async finish(deliveries: AsyncIterator<Delivery>, deadline: StopDeadline): Promise<void> {
    const closing = async (): Promise<void> => {
      await deadline.orGiveUp(Promise.all(this.underWay));
      // A source that hangs here is closed nevertheless.
      await deadline.orGiveUp(Promise.resolve(deliveries.return?.()));
      await this.options.source.close();
    };
    const closed = closing();
    // Callers get this error from `orGiveUp`; after the deadline it must not be an unhandled rejection.
    closed.catch(() => undefined);
    if ((await deadline.orGiveUp(closed)) === GAVE_UP) {
      this.options.log('warn', `${this.name()}: abandoned the events in flight after the stop`);
    }
    deadline.dispose();
  }

  /** Not awaited by `run`: reading continues while earlier deliveries are published. */
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
    const rejected = [...delivery.rejected];
    const sound: CloudEvent[] = [];
    const linked: LinkedEvent[] = [];
    const leftOut = new Map<CloudEvent, FilterVerdict>();
    for (const received of delivery.events) {
      const event = this.received.toCloudEvent(received, now);
      if ('code' in event) {
        rejected.push(event);
        continue;
      }
      const begun = this.options.telemetry?.begin(event) ?? event;
      const link = received.leftOut === undefined ? this.options.hydration?.linkOf(received) : undefined;
      if (link !== undefined) {
        linked.push({ event: begun, data: received.data, link });
        continue;
      }
      sound.push(begun);
      if (received.leftOut !== undefined) leftOut.set(begun, { pass: false, reason: received.leftOut });
    }
    this.options.telemetry?.rejected(rejected.length);
    const decisions = rejected.map((input) => this.received.rejection(input, now));
    try {
      const verdicts = await this.judge(sound);
      const events: CloudEvent[] = [];
      for (const [index, event] of sound.entries()) {
        const verdict = leftOut.get(event) ?? verdicts[index];
        if (verdict?.pass === false) decisions.push(this.filtered(event, verdict, now));
        else events.push(event);
      }
      return { delivery, events, linked, decisions, rejected };
    } catch (error) {
      await this.giveBack(delivery, [...sound, ...linked.map(({ event }) => event)], error);
      throw error;
    }
  }

  private filtered(event: CloudEvent, verdict: Extract<FilterVerdict, { pass: false }>, at: string): DecisionRecord {
    this.options.telemetry?.filtered(event, verdict.code);
    return this.received.decision(event, 'filtered', at, filteredBy(verdict));
  }

  private async judge(events: readonly CloudEvent[]): Promise<readonly FilterVerdict[]> {
    const { filter } = this.options;
    const payloads = events.map((event) => jsonOf(event) ?? null);
    if (!filter || payloads.length === 0) return [];
    try {
      return await filter(payloads);
    } catch (problem) {
      return await this.judgeEach(filter, payloads, problem);
    }
  }

  /** A payload that breaks the filter does not discard the verdicts of the others. */
  private async judgeEach(
    filter: EventFilter,
    payloads: readonly JsonDocument[],
    problem: unknown,
  ): Promise<readonly FilterVerdict[]> {
    let judged = 0;
    const verdicts: FilterVerdict[] = [];
    for (const payload of payloads) {
      try {
        verdicts.push(...(await filter([payload])));
        judged += 1;
      } catch (error) {
        verdicts.push({ pass: false, reason: describeError(error), code: 'EXPRESSION_FAILED' });
      }
    }
    // No payload could be judged, so the fault is not in the events.
    if (judged === 0) throw problem;
    return verdicts;
  }

  /** Never rejects: a delivery that cannot be relayed is released. */
  private async carry({ delivery, events, linked, ...prepared }: Prepared, signal: AbortSignal): Promise<void> {
    const { patienceMs = Number.POSITIVE_INFINITY } = this.options.source;
    const now = delivery.receivedAt ?? performance.now();
    const giveUpAt = now + patienceMs;
    const over = new AbortController();
    // Side by side: events that are delivered together do not wait for each other's items.
    const parts = [
      this.publish(events, giveUpAt, signal),
      ...linked.map((event) =>
        // Half of the patience is for publishing.
        this.carryLinked(event, now + patienceMs / 2, giveUpAt, AbortSignal.any([signal, over.signal])),
      ),
    ];
    try {
      const published = await Promise.all(parts);
      const records = [...prepared.decisions, ...published.flatMap(({ decisions }) => decisions)];
      const rejected = [...prepared.rejected, ...published.flatMap((part) => part.rejected)];
      if (records.length > 0) this.options.bus.recordDecisions(records);
      // Rejected input exists nowhere else: its record must be stored before the outside system forgets it.
      if (rejected.length > 0) await within(this.options.bus.flushDecisions(), giveUpAt, signal);
      this.totals.filtered += records.filter((record) => record.decision === 'filtered').length;
      this.totals.rejected += rejected.length;
      await delivery.acknowledge({ rejected });
      this.position = delivery.position ?? this.position;
    } catch (error) {
      over.abort();
      await Promise.allSettled(parts);
      const all = [...events, ...linked.map(({ event }) => event)];
      if (!signal.aborted)
        this.options.log(
          'warn',
          `${this.name()}: ${all.length} events were returned to their source: ${describeError(error)}`,
        );
      await this.giveBack(delivery, all, error);
    }
  }

  /** Fetches the item of one event; filters and publishes it with the item or, with a record of why, without. */
  private async carryLinked(
    { event, data, link }: LinkedEvent,
    fetchUntil: number,
    giveUpAt: number,
    signal: AbortSignal,
  ): Promise<Published> {
    const { hydration, telemetry } = this.options;
    const found = await hydration?.hydrate(data, link, fetchUntil, signal);
    const decisions: DecisionRecord[] = [];
    const goOnWithout = (why: ItemMissing): CloudEvent => {
      decisions.push(this.received.decision(event, 'failed', new Date().toISOString(), { clause: HYDRATE, ...why }));
      telemetry?.notHydrated();
      return event;
    };
    const hydrated = found !== undefined && 'data' in found ? withData(event, found.data) : undefined;
    if (hydrated !== undefined) telemetry?.hydrated(event, hydrated);
    else if (found !== undefined && 'failure' in found) goOnWithout(found.failure);
    const whole = hydrated ?? event;
    const [verdict] = await this.judgeAlone(whole);
    if (verdict?.pass === false) {
      return { decisions: [...decisions, this.filtered(whole, verdict, new Date().toISOString())], rejected: [] };
    }
    const published = await this.publish([whole], giveUpAt, signal, ({ code, message }) => {
      if (hydrated === undefined || code !== 'BUS_EVENT_TOO_LARGE') return undefined;
      telemetry?.replaced(hydrated, event);
      return goOnWithout({ code, reason: `with the item that it links to it is too large: ${message}` });
    });
    return { decisions: [...decisions, ...published.decisions], rejected: published.rejected };
  }

  private async judgeAlone(event: CloudEvent): Promise<readonly FilterVerdict[]> {
    try {
      return await this.judge([event]);
    } catch (error) {
      this.broken ??= { error };
      throw error;
    }
  }

  private async giveBack(delivery: Delivery, events: readonly CloudEvent[], reason: unknown): Promise<void> {
    this.totals.failed += events.length;
    this.options.telemetry?.givenBack(events, reason);
    try {
      await delivery.release(reason);
    } catch (error) {
      this.options.log('warn', `${this.name()}: events could not be returned to their source: ${describeError(error)}`);
    }
  }

  /**
   * Publishes all events, waiting for an unavailable bus until `giveUpAt`. Returns decisions on events that the bus
   * rejected permanently, and on those that it already had. `instead` may give another event for a rejected one.
   */
  private async publish(
    events: readonly CloudEvent[],
    giveUpAt: number,
    signal: AbortSignal,
    instead: (refusal: SluiceError) => CloudEvent | undefined = () => undefined,
  ): Promise<Published> {
    const decisions: DecisionRecord[] = [];
    const rejected: RejectedEvent[] = [];
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
          if (outcome.duplicate) decisions.push(this.repetition(event, outcome.sequence));
        } else if (outcome.error.retryable) {
          failed.push(event);
          problem = outcome.error;
        } else {
          const other = instead(outcome.error);
          if (other !== undefined) {
            failed.push(other);
            continue;
          }
          const { code, message: reason } = outcome.error;
          this.options.telemetry?.refused(event, outcome.error);
          rejected.push({ code, reason });
          decisions.push(this.received.decision(event, 'rejected', new Date().toISOString(), { code, reason }));
        }
      }
      if (problem && (signal.aborted || performance.now() >= giveUpAt)) throw problem;
      if (problem) {
        this.options.telemetry?.stillWaiting(failed.length);
        if (this.logPace.isDue()) {
          this.options.log(
            'warn',
            `${this.name()}: ${failed.length} events wait for the event bus: ${problem.message}`,
          );
        }
      }
      remaining = failed;
    }
    return { decisions, rejected };
  }

  private countPublished(event: CloudEvent, isDuplicate: boolean): void {
    this.options.telemetry?.published(event, isDuplicate);
    if (isDuplicate) this.totals.duplicates += 1;
    else this.totals.published += 1;
  }

  private repetition(event: CloudEvent, sequence: number): DecisionRecord {
    const reason = 'it was redelivered; the bus already had it';
    return { ...this.received.decision(event, 'duplicate', new Date().toISOString(), { reason }), sequence };
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

/** Throws if the relay is stopping, or if the outside system no longer waits for a response. */
async function within(work: Promise<void>, giveUpAt: number, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const remainingMs = Math.min(MAX_TIMER_MS, Math.max(0, giveUpAt - performance.now()));
  const options = { ref: false, signal: AbortSignal.any([signal, settled.signal]) };
  const tooLate = delay(remainingMs, undefined, options).then(() => {
    throw new Error('the record of the rejected event could not be written in time');
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    settled.abort();
  }
}
