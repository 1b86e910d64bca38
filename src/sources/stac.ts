/**
 * Event source `stac`: the new and changed items of a STAC API, at least once. Argo Events has no such kind.
 *
 * Searches again and again, and compares what it finds with the versions that the bus has; both times and versions are
 * kept on the bus. An API that can sort is read from the newest change back to the last complete search, and `lateness`
 * further; any other one is read whole. A search is complete when the bus has all its events.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Reconnection } from '../clients/reconnection';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { describeError, isSluiceError, type SluiceError } from '../errors/sluice-error';
import { shortHash } from '../event/short-id';
import { searchPages, type SearchOptions, type StacPage } from '../stac/search';
import { shownUrl } from '../stac/stac-refusal';
import { parseDurationMs } from '../text/durations';
import { divideReceived } from './divide-received';
import { KeptPosition } from './kept-position';
import type { Delivery, Source, SourceBacklog, SourceContext, SourceOf } from './source';
import type { SourceStatus } from './source';
import { describeSource, sourceFailure } from './source-failure';
import { reasonOfSkipped, toStacEvent } from './stac-event';
import { StacPass, TooManyItems, type Found, type PassLimits } from './stac-pass';
import { newPosition, readPosition, writePosition, type StacPosition } from './stac-position';
import { nameSearch, readApi, StacAccess, type StacOptions } from './stac-search';

export const stacSource: SourceOf<'stac'> = {
  kind: 'stac',
  guarantee: 'at least once',
  create: (spec, context) => new StacSource(spec, context),
};

const DEFAULT_INTERVAL_MS = 60_000;
/** For tests; manifests may ask for a second. */
const SHORTEST_INTERVAL_MS = 10;
const DEFAULT_LATENESS_MS = 24 * 3_600_000;
const MAX_PER_DELIVERY = 100;
const MAX_COUNTED = 1_000;
/** Slow APIs are waited for, but not called ready. */
const SILENCE_MS = 8_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const SLOWEST_RETRY_MS = 24 * 3_600_000;
/** A page is parsed on the main thread. */
const LIMITS = { timeoutMs: 30_000, maxBytes: 8 * 1024 * 1024 };
const NAME_LENGTH = 16;
const LONGEST_SHOWN = 200;

class StacSource implements Source {
  private readonly access: StacAccess;
  private readonly kept: KeptPosition;
  private readonly reconnection: Reconnection;
  private readonly lifetime: AbortSignal;
  private readonly closing = new AbortController();
  private readonly intervalMs: number;
  private readonly latenessMs: number;
  private state: StacPosition | undefined;
  private readonly inFlight = new Set<string>();
  private isReading = false;
  private unreadable: string | undefined;
  private askedAt: number | undefined;
  private countedAt = -Infinity;
  private failures = 0;
  private lastNote: string | undefined;

  constructor(
    private readonly spec: StacOptions,
    private readonly context: SourceContext,
  ) {
    this.access = new StacAccess(spec, context);
    this.lifetime = AbortSignal.any([context.signal, this.closing.signal]);
    this.kept = new KeptPosition(
      context,
      () => this.state && { of: shortHash(nameSearch(spec), NAME_LENGTH), ...writePosition(this.state) },
    );
    const api = URL.canParse(spec.url) ? shownUrl(spec.url) : 'url';
    this.reconnection = new Reconnection(`STAC API at ${api}`, context.log);
    this.intervalMs = Math.max(durationOf(spec.interval, DEFAULT_INTERVAL_MS), SHORTEST_INTERVAL_MS);
    this.latenessMs = durationOf(spec.lateness, DEFAULT_LATENESS_MS);
  }

  async check(): Promise<void> {
    try {
      const { search, connection } = await this.access.open();
      const options = { connection, signal: this.lifetime, limits: { ...LIMITS, attempts: 1 } };
      for await (const _first of searchPages({ ...search, pageSize: 1 }, options)) break;
    } catch (error) {
      throw this.explain(error);
    } finally {
      if (!this.isReading) await this.access.close();
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    readApi(this.spec, this.context);
    const isLoaded = await this.kept.load(
      () => this.load(),
      (error) => this.cannotLoad(error),
    );
    if (!isLoaded) return;
    while (!signal.aborted) {
      let pauseMs = this.intervalMs;
      try {
        const isComplete = yield* this.search();
        this.failures = isComplete ? 0 : this.failures + 1;
        if (!isComplete) pauseMs = this.backOff();
      } catch (error) {
        if (signal.aborted) return;
        pauseMs = this.failed(error);
      }
      await this.kept.write(true);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  status(): SourceStatus {
    const isSilent = this.askedAt !== undefined && performance.now() - this.askedAt > SILENCE_MS;
    const silence = isSilent
      ? `STAC API at ${shownUrl(this.spec.url)} has not answered for ${SILENCE_MS / 1_000} s`
      : undefined;
    const problem = this.unreadable ?? this.reconnection.problem() ?? silence ?? this.shortened();
    return { connected: this.isReading && !isSilent, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  /** Searches while there is no reader, no more often than a reader would; a reader knows what it has in flight. */
  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    if (this.state !== undefined) return { entries: this.inFlight.size, pending: this.inFlight.size };
    await delay(Math.max(0, this.countedAt + this.intervalMs - performance.now()), undefined, { signal, ref: false });
    this.countedAt = performance.now();
    const state = await this.readPosition();
    if (state?.cursor === undefined) return { entries: 0, pending: 0 };
    const pass = new StacPass(this.limitsOf(state, Date.now()), state.known, new Set());
    let entries = 0;
    try {
      const { search, connection } = await this.access.open();
      for await (const page of searchPages(search, { connection, signal, limits: LIMITS })) {
        entries += pass.take(page).length;
        if (pass.isDone || entries >= MAX_COUNTED) break;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw this.explain(error);
    } finally {
      if (!this.isReading) await this.access.close();
    }
    return { entries, pending: 0, ...(entries >= MAX_COUNTED && { isAtLeast: true }) };
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.kept.close();
    await this.access.close();
  }

  private async load(): Promise<void> {
    this.state = (await this.readPosition()) ?? newPosition(this.beginning());
    this.unreadable = undefined;
  }

  private cannotLoad(error: unknown): void {
    const reason = `its position cannot be read: ${describeError(error)}`;
    if (reason !== this.unreadable) this.context.log('warn', `${describeSource(this.context)}: ${reason}`);
    this.unreadable = reason;
  }

  /** Returns undefined if there is none. */
  private async readPosition(): Promise<StacPosition | undefined> {
    const json = await this.context.position.read();
    const position = json && readPosition(json);
    if (position === undefined || json?.of === shortHash(nameSearch(this.spec), NAME_LENGTH)) return position;
    // Another search: what it finds was there before, except for what changed since the former one.
    return newPosition(position.cursor ?? position.announceFrom ?? this.beginning(), position.known);
  }

  private beginning(): number {
    const since = this.spec.since === undefined ? NaN : Date.parse(this.spec.since);
    return Number.isNaN(since) ? Date.now() : since;
  }

  private limitsOf(
    { cursor, announceFrom, knownSince = 0, lookBack = 0 }: StacPosition,
    startedAt: number,
  ): PassLimits {
    const former = Math.min(cursor ?? announceFrom ?? startedAt, startedAt);
    // `lateness` may be longer than before, and the clock may have been wrong.
    const forgotten = Math.min(Math.max(knownSince, lookBack), startedAt);
    const floor = Math.max(former - this.latenessMs, forgotten);
    return { startedAt, floor, announceFrom: cursor === undefined ? announceFrom : undefined };
  }

  /** Returns false if the bus does not have all events of the search. */
  private async *search(): AsyncGenerator<Delivery, boolean> {
    const { state, context } = this;
    if (state === undefined) return false;
    const limits = this.limitsOf(state, Date.now());
    const pass = new StacPass(limits, state.known, this.inFlight);
    const settlements: Array<Promise<boolean>> = [];
    for await (const page of this.pages()) {
      const found = pass.take(page);
      this.reconnection.worked();
      if (state.cursor !== undefined) this.isReading = true;
      for (let at = 0; at < found.length; at += MAX_PER_DELIVERY) {
        const { delivery, settled } = this.toDelivery(found.slice(at, at + MAX_PER_DELIVERY), limits.startedAt);
        settlements.push(settled);
        yield delivery;
        await this.kept.write();
      }
      if (pass.isDone) break;
    }
    // Settlements never fail: only a stop is caught.
    const areOnBus = await unlessAborted(Promise.all(settlements), context.signal).catch(() => undefined);
    if (areOnBus === undefined || areOnBus.includes(false)) return false;
    this.complete(state, pass, limits.startedAt);
    this.isReading = true;
    return true;
  }

  /** Measures how long the API takes, but not how long the relay does. */
  private async *pages(): AsyncGenerator<StacPage> {
    this.askedAt = performance.now();
    try {
      const { search, connection } = await this.access.open();
      const options: SearchOptions = {
        connection,
        signal: this.lifetime,
        limits: LIMITS,
        onWait: (reason) => this.interrupted(reason, 'transient'),
        onNote: (text) => this.logOnce(text),
      };
      for await (const page of searchPages(search, options)) {
        this.askedAt = undefined;
        yield page;
        this.askedAt = performance.now();
      }
    } finally {
      this.askedAt = undefined;
    }
  }

  /** Each search would say it again. */
  private logOnce(note: string): void {
    if (note !== this.lastNote) this.context.log('info', `STAC API at ${shownUrl(this.spec.url)}: ${note}`);
    this.lastNote = note;
  }

  private complete(state: StacPosition, pass: StacPass, startedAt: number): void {
    const isFirst = state.cursor === undefined;
    const hasChanged = pass.remember(this.latenessMs);
    state.cursor = startedAt;
    state.announceFrom = undefined;
    const oldest = startedAt - this.latenessMs;
    state.known.forgetBefore(oldest);
    state.knownSince = Math.max(state.knownSince ?? 0, oldest);
    if (state.lookBack !== undefined && state.lookBack < oldest) state.lookBack = undefined;
    state.lookBack = state.known.trim() ?? state.lookBack;
    if (isFirst || hasChanged) this.kept.changed();
  }

  private toDelivery(found: readonly Found[], startedAt: number): { delivery: Delivery; settled: Promise<boolean> } {
    let settle: (isOnBus: boolean) => void = () => undefined;
    const settled = new Promise<boolean>((resolve) => (settle = resolve));
    for (const { version } of found) this.inFlight.add(version);
    const received = divideReceived(found, ({ timeMs, content }) =>
      content.kind === 'item'
        ? toStacEvent(content.item, timeMs, this.spec.metadata)
        : { code: 'EVENT_UNDECODABLE', reason: reasonOfSkipped(content.entry) },
    );
    const end = (isOnBus: boolean): Promise<void> => {
      for (const { version, timeMs } of found) {
        this.inFlight.delete(version);
        if (isOnBus) this.state?.known.add(version, timeMs ?? startedAt);
      }
      if (isOnBus) this.kept.changed();
      settle(isOnBus);
      return Promise.resolve();
    };
    // Shown on terminals; an id may hold anything.
    const position = found
      .at(-1)
      ?.version.slice(0, LONGEST_SHOWN)
      .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '_');
    return {
      delivery: { ...received, position, acknowledge: () => end(true), release: () => end(false) },
      settled,
    };
  }

  private interrupted(reason: string, verdict: Parameters<Reconnection['failed']>[1]): boolean {
    this.isReading = false;
    return this.reconnection.failed(reason, verdict);
  }

  /** Returns how long to wait. Throws what an operator must repair. */
  private failed(error: unknown): number {
    const failure = this.explain(error);
    this.failures += 1;
    const isCredentials = failure.context['status'] === 401 || failure.context['status'] === 403;
    // An API that was read may answer nonsense while it is replaced.
    const mayPass = failure.retryable || (this.state?.cursor !== undefined && !(error instanceof TooManyItems));
    const verdict = isCredentials ? 'credentials' : mayPass ? 'transient' : 'permanent';
    if (!this.interrupted(describeError(isSluiceError(error) ? error : failure), verdict)) throw failure;
    return Math.max(Math.min(failure.retryAfterMs ?? 0, SLOWEST_RETRY_MS), this.backOff());
  }

  private backOff(): number {
    return Math.min(FIRST_PAUSE_MS * 2 ** (this.failures - 1), LONGEST_PAUSE_MS);
  }

  private shortened(): string | undefined {
    const { lookBack } = this.state ?? {};
    if (lookBack === undefined) return undefined;
    const since = new Date(lookBack).toISOString();
    return `more items changed than it can remember: it looks for late ones back to ${since} only; shorten lateness or narrow the search`;
  }

  private explain(error: unknown): SluiceError {
    if (error instanceof TooManyItems) {
      return sourceFailure(this.context, 'misconfigured', {
        message: `the search finds ${error.message}`,
        fix: error.isSorted
          ? 'Narrow it, choose a later time in since, or shorten lateness; publish older items with sluice stac publish'
          : 'Narrow it with last, datetime, bbox or cql2: this API cannot sort by the time of change, so it is read whole',
      });
    }
    if (!isSluiceError(error)) {
      return sourceFailure(this.context, 'unreachable', { message: 'its search failed', cause: error });
    }
    const { message, fix, context, retryAfterMs, retryable, cause } = error;
    const kind = retryable ? 'unreachable' : 'misconfigured';
    return sourceFailure(this.context, kind, { message, fix, context, retryAfterMs, retryable, cause });
  }
}

function durationOf(text: string | undefined, otherwiseMs: number): number {
  return (text === undefined ? undefined : parseDurationMs(text)) ?? otherwiseMs;
}
