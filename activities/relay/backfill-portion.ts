/**
 * One portion of a back-fill: searches windows of time, and relays what they hold as the event source would. Ends after a
 * while, or with the first thing to wait for, which the workflow does.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Bus } from '../../src/bus/bus';
import { eventPath } from '../../src/bus/event-path';
import type { BackfillPortionRequest, EventSourceActivities } from '../../src/contract/activities';
import {
  readBackfillProgress,
  type BackfillPause,
  type BackfillPortion,
  type BackfillProgress,
} from '../../src/contract/backfill-messages';
import { LEAST_URGENT } from '../../src/contract/priority';
import { describeError, isSluiceError, SluiceError } from '../../src/errors/sluice-error';
import type { ObjectDocument } from '../../src/event/json-text';
import { KnownItems } from '../../src/sources/stac-known-items';
import type { StacOptions } from '../../src/sources/stac-search';
import { StacWindow, type TimeWindow } from '../../src/sources/stac-window';
import { toApplicationFailure } from '../worker/failures';
import { startHeartbeat } from '../worker/heartbeat';
import { readEventId } from './event-id-from';
import { EventRelay } from './event-relay';
import { createSourceContext, type RelayDependencies } from './open-source';
import { createSourceFilter } from './relay-filter';
import { RelayTelemetry } from './relay-telemetry';

/** Then it ends with the window that it is at, so that the workflow can show what it did. */
const PORTION_MS = 5_000;
/** Then it ends in the middle of a window. To continue there, the search is begun again. */
const LONGEST_MS = 60_000;
/** Items that a window should have, and those with which it is parted. */
const WANTED_ITEMS = 500;
const MOST_ITEMS = 2_000;
/** No window grows or shrinks by more at a time. */
const MOST_CHANGE = 4;
const MOST_KNOWN = 20_000;
/** Live events wait on the bus behind at most about as many. */
const MOST_WAITING = 500;
const LOOK_AGAIN_MS = 1_000;
const WAIT_HERE_MS = 10_000;
const BUS_PAUSE_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5 * 60_000;
const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000;

export function createBackfillActivities(
  dependencies: RelayDependencies,
): Pick<EventSourceActivities, 'sluiceBackfillPortion'> {
  return {
    async sluiceBackfillPortion(request) {
      const { info, cancellationSignal: signal } = Context.current();
      // Of an attempt that ended with its worker.
      const portion = open(request, readBackfillProgress(info.heartbeatDetails), dependencies);
      const heartbeat = startHeartbeat(() => portion.progress(), false);
      try {
        return await dependencies.buses.use(request.definition.bus, signal, (bus) => portion.run(bus, signal));
      } catch (error) {
        // What is on the bus is known, so that it is not searched for again after a pause.
        if (signal.aborted) return { progress: portion.progress() };
        throw toApplicationFailure(error);
      } finally {
        heartbeat.stop();
      }
    },
  };
}

function open(request: BackfillPortionRequest, former: BackfillProgress | undefined, dependencies: RelayDependencies) {
  try {
    return new Portion(request, former ?? request.progress, dependencies);
  } catch (error) {
    throw toApplicationFailure(error);
  }
}

class Portion {
  private readonly spec: StacOptions;
  private readonly known: KnownItems;
  private readonly range: { readonly from: number; readonly to: number };
  private done: BackfillProgress;
  /** Of the window that is being searched. */
  private current: { readonly source: StacWindow; readonly relay: EventRelay } | undefined;

  constructor(
    private readonly request: BackfillPortionRequest,
    progress: BackfillProgress,
    private readonly dependencies: RelayDependencies,
  ) {
    const { definition, request: wanted } = request;
    this.spec = findSpec(request);
    const { known, ...counts } = progress;
    this.done = counts;
    this.known = KnownItems.unpack(known ?? '');
    // A search has no fractions of a second.
    this.range = { from: floorSecond(Date.parse(wanted.from)), to: Math.ceil(Date.parse(wanted.to) / 1_000) * 1_000 };
    if (!(this.range.from <= this.range.to)) {
      throw new SluiceError('USAGE', {
        message: `the back-fill of ${definition.namespace}/${definition.name} has no range: ${wanted.from} to ${wanted.to}`,
        fix: 'Give two times, RFC 3339, the earlier one first',
      });
    }
  }

  progress(): BackfillProgress {
    const { done, current } = this;
    const known = this.known.pack();
    const kept = known === '' ? {} : { known };
    if (current === undefined) return { ...done, ...kept };
    const { published, duplicates, filtered, rejected } = current.relay.counts();
    return {
      ...done,
      ...kept,
      found: done.found + current.source.settled,
      published: done.published + published,
      duplicates: done.duplicates + duplicates,
      filtered: done.filtered + filtered,
      rejected: done.rejected + rejected,
    };
  }

  async run(bus: Bus, signal: AbortSignal): Promise<BackfillPortion> {
    const startedAt = performance.now();
    const until = startedAt + LONGEST_MS;
    do {
      const pause = await this.waitForSensors(bus, signal);
      if (pause !== undefined) return { progress: this.progress(), pause };
      const failure = await this.search(bus, signal, until);
      if (failure !== undefined && !signal.aborted) return this.afterFailure(failure);
    } while (!this.done.isComplete && !signal.aborted && performance.now() < startedAt + PORTION_MS);
    return { progress: this.progress() };
  }

  /** Live events are on the bus behind these. */
  private async waitForSensors(bus: Bus, signal: AbortSignal): Promise<BackfillPause | undefined> {
    const { definition, request } = this.request;
    const path = eventPath(definition.name, request.eventName);
    const until = performance.now() + WAIT_HERE_MS;
    for (;;) {
      const waiting = await bus.waitingEvents(path);
      if (waiting < MOST_WAITING || signal.aborted) return undefined;
      if (performance.now() >= until) {
        return { ms: BUS_PAUSE_MS, why: `a sensor has ${waiting} events to handle first, on bus ${bus.name}` };
      }
      await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Returns why the API could not be searched. */
  private async search(bus: Bus, signal: AbortSignal, until: number): Promise<unknown> {
    const window = this.nextWindow();
    const span = window.to - window.from;
    const { rate } = this.request.request;
    const context = createSourceContext(
      { definition: this.request.definition, eventName: this.request.request.eventName },
      signal,
      this.dependencies,
    );
    const mostItems = span > 1_000 ? MOST_ITEMS : undefined;
    const source = new StacWindow(this.spec, context, { window, known: this.known, mostItems, rate, until });
    this.current = { source, relay: this.relayOf(source, bus, context.log) };
    let failure: unknown;
    try {
      await this.current.relay.run(signal);
    } catch (error) {
      failure = error;
    }
    this.settle(window);
    return failure;
  }

  private relayOf(source: StacWindow, bus: Bus, log: SourceLog): EventRelay {
    const { definition, request } = this.request;
    const { namespace, name, options } = definition;
    const { idFrom, maxInFlight } = options;
    const relayed = { namespace, eventSourceName: name, eventName: request.eventName };
    const filter = createSourceFilter(this.spec, this.dependencies.engine);
    const quota = this.dependencies.eventQuotas.of(namespace);
    return new EventRelay({
      ...relayed,
      cloudEventType: 'stac',
      ...{ source, bus, log, maxInFlight },
      priority: LEAST_URGENT,
      ...(filter && { filter }),
      ...(quota && { quota }),
      ...(idFrom !== undefined && { idOf: (payload: ObjectDocument) => readEventId(payload, idFrom) }),
      telemetry: new RelayTelemetry(this.dependencies.metrics, relayed),
    });
  }

  private nextWindow(): TimeWindow {
    const { from: first, to: last } = this.range;
    const from = Math.min(Math.max(floorSecond(Date.parse(this.done.doneTo)), first), last);
    const { spanSeconds } = this.done;
    const to = spanSeconds === undefined ? last : Math.min(from + spanSeconds * 1_000, last);
    return { from, to, isFirst: from === first, isLast: to === last };
  }

  private settle(window: TimeWindow): void {
    if (this.current === undefined) return;
    const { source } = this.current;
    const outcome = source.result();
    const { from, to, isFirst, isLast } = window;
    const progress: BackfillProgress = {
      ...this.progress(),
      ...(isFirst && isLast && source.matched !== undefined && { matched: source.matched }),
    };
    this.current = undefined;
    const { known: _known, ...counts } = progress;
    const spanSeconds = Math.max(Math.round((to - from) / 1_000), 1);
    if (outcome === 'complete') {
      this.known.forgetBefore(to);
      const change = Math.min(Math.max(WANTED_ITEMS / Math.max(source.entries, 1), 1 / MOST_CHANGE), MOST_CHANGE);
      this.done = {
        ...counts,
        failures: 0,
        doneTo: new Date(to).toISOString(),
        spanSeconds: Math.max(Math.round(spanSeconds * change), 1),
        isComplete: isLast,
      };
    } else if (outcome === 'dense') {
      const share = source.matched === undefined ? 1 / MOST_CHANGE : WANTED_ITEMS / source.matched;
      this.done = { ...counts, failures: 0, spanSeconds: Math.max(Math.floor(spanSeconds * share), 1) };
    } else this.done = counts;
    this.known.trim(MOST_KNOWN);
  }

  /** Throws an error that is there from the beginning and that only an operator can repair. */
  private afterFailure(error: unknown): BackfillPortion {
    const { request } = this.request;
    const failures = this.done.failures + 1;
    const hasWorked = this.done.found > 0 || Date.parse(this.done.doneTo) > Date.parse(request.from);
    if (isSluiceError(error) && !error.retryable && !hasWorked) throw error;
    const retryAfterMs = isSluiceError(error) ? (error.retryAfterMs ?? 0) : 0;
    const backOffMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    this.done = { ...this.done, failures };
    return {
      progress: this.progress(),
      pause: { ms: Math.max(Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS), backOffMs), why: describeError(error) },
    };
  }
}

type SourceLog = ReturnType<typeof createSourceContext>['log'];

/** Throws EVENT_SOURCE_MISCONFIGURED for an event that is none of kind stac. */
function findSpec({ definition, request }: BackfillPortionRequest): StacOptions {
  const { namespace, name, spec } = definition;
  const found = Object.entries(spec.stac ?? {}).find(([event]) => event === request.eventName)?.[1];
  if (found !== undefined) return found;
  throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `event source ${namespace}/${name} has no event ${request.eventName} of kind stac`,
    fix: 'Name an event under spec.stac',
  });
}

function floorSecond(time: number): number {
  return Math.floor(time / 1_000) * 1_000;
}
