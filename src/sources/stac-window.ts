/**
 * One window of time of a back-fill, as a source that ends: the items of a STAC API that were acquired in it.
 *
 * Windows follow each other from the beginning of a range to its end. Each item belongs to the window in which it was
 * acquired, also if the API finds it in several, so a complete window need not be remembered.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { searchPages, type StacPage } from '../stac/search';
import { itemVersionKey, type StacItem } from '../stac/stac-item';
import type { Delivery, ReceivedEvent, RejectedInput, Source, SourceContext, SourceStatus } from './source';
import { reasonOfSkipped, toStacEvent } from './stac-event';
import { changedAt } from './stac-pass';
import type { KnownItems } from './stac-known-items';
import { StacAccess, type StacOptions } from './stac-search';

/** Milliseconds since 1970; `to` belongs to the next window, unless this is the last one. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

export interface WindowOptions {
  readonly window: TimeWindow;
  /** Versions that are on the bus, by their time of acquisition. Those of this window are added. */
  readonly known: KnownItems;
  /** A window with more items is better searched in parts; undefined if it cannot be parted. */
  readonly mostItems: number | undefined;
  /** Events per second. */
  readonly rate: number | undefined;
  /** When to stop in the middle, if it has delivered anything, on the clock of `performance.now`. */
  readonly until: number;
}

/**
 * `complete`: all its items are on the bus. `dense`: it has too many to be read at once. `partial`: to be continued, with
 * what is known.
 */
export type WindowOutcome = 'complete' | 'dense' | 'partial';

const MAX_PER_DELIVERY = 100;
/** One attempt: the workflow waits, so that it can be paused meanwhile, and shows why. */
const LIMITS = { timeoutMs: 30_000, maxBytes: 8 * 1024 * 1024, attempts: 1 };

interface Found {
  readonly version: string;
  readonly acquiredAt: number;
  readonly content: { readonly event: ReceivedEvent } | { readonly rejected: RejectedInput };
}

export class StacWindow implements Source {
  /** Entries that the API returned, known or not. */
  entries = 0;
  /** Of these, new ones that are on the bus, filtered or recorded as rejected. */
  settled = 0;
  /** Items in the window, if the API counts. */
  matched: number | undefined;
  private outcome: WindowOutcome = 'partial';
  private hasReleased = false;
  private hasDelivered = false;
  private readonly access: StacAccess;
  private readonly inFlight = new Set<string>();
  private readonly lifetime: AbortSignal;
  private readonly closing = new AbortController();

  constructor(
    private readonly spec: StacOptions,
    private readonly context: SourceContext,
    private readonly options: WindowOptions,
  ) {
    this.access = new StacAccess(spec, context);
    this.lifetime = AbortSignal.any([context.signal, this.closing.signal]);
  }

  /** After the last delivery was settled. */
  result(): WindowOutcome {
    return this.hasReleased || this.context.signal.aborted ? 'partial' : this.outcome;
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  status(): SourceStatus {
    return { connected: true, dropped: 0 };
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { window, mostItems } = this.options;
    const { search, connection } = await this.access.open();
    const wanted = { ...search, newestFirst: false, datetime: `${asText(window.from)}/${asText(window.to)}` };
    for await (const page of searchPages(wanted, { connection, signal: this.lifetime, limits: LIMITS })) {
      this.matched ??= page.matched;
      this.entries += page.items.length + page.skipped.length;
      if (mostItems !== undefined && (this.matched ?? 0) > mostItems) return this.end('dense');
      yield* this.deliver(this.select(page));
      if (this.mustStop()) return;
      if (mostItems !== undefined && this.entries > mostItems) return this.end('dense');
    }
    this.end('complete');
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.access.close();
  }

  /** Not without progress: a slow API would be asked for the same pages for ever. */
  private mustStop(): boolean {
    return this.lifetime.aborted || (this.hasDelivered && performance.now() >= this.options.until);
  }

  private end(outcome: WindowOutcome): void {
    this.outcome = outcome;
  }

  private *portions(found: readonly Found[]): Generator<readonly Found[]> {
    const { rate } = this.options;
    const size = rate === undefined ? MAX_PER_DELIVERY : Math.min(Math.max(Math.floor(rate), 1), MAX_PER_DELIVERY);
    for (let at = 0; at < found.length; at += size) yield found.slice(at, at + size);
  }

  private async *deliver(found: readonly Found[]): AsyncGenerator<Delivery> {
    const { rate } = this.options;
    for (const portion of this.portions(found)) {
      if (this.mustStop()) return;
      this.hasDelivered = true;
      yield this.toDelivery(portion);
      if (rate === undefined) continue;
      await delay((1_000 * portion.length) / rate, undefined, { signal: this.lifetime }).catch(() => undefined);
    }
  }

  /** Of a page, what belongs to this window and is not on the bus. */
  private select({ items, skipped }: StacPage): Found[] {
    const { window, known } = this.options;
    const found = [
      ...items.flatMap((item): Found[] => {
        const acquiredAt = acquisitionOf(item);
        if (!belongsTo(window, acquiredAt)) return [];
        const event = toStacEvent(item, changedAt(item), this.spec.metadata);
        return [{ version: itemVersionKey(item), acquiredAt: acquiredAt ?? 0, content: { event } }];
      }),
      ...skipped.map((entry): Found => {
        const rejected: RejectedInput = { code: 'EVENT_UNDECODABLE', reason: reasonOfSkipped(entry) };
        return { version: `skipped:${entry.key}`, acquiredAt: window.from, content: { rejected } };
      }),
    ];
    return found.filter(({ version }) => {
      if (known.has(version) || this.inFlight.has(version)) return false;
      this.inFlight.add(version);
      return true;
    });
  }

  private toDelivery(found: readonly Found[]): Delivery {
    return {
      events: found.flatMap(({ content }) => ('event' in content ? [content.event] : [])),
      rejected: found.flatMap(({ content }) => ('rejected' in content ? [content.rejected] : [])),
      acknowledge: () => {
        for (const { version, acquiredAt } of found) this.options.known.add(version, acquiredAt);
        this.settled += found.length;
        return Promise.resolve();
      },
      release: () => {
        this.hasReleased = true;
        return Promise.resolve();
      },
    };
  }
}

/** Undefined for an item that does not say. */
function acquisitionOf({ datetime }: StacItem): number | undefined {
  const time = datetime === undefined ? NaN : Date.parse(datetime);
  return Number.isNaN(time) ? undefined : time;
}

/** An item whose acquisition began before the range, or that does not say when, belongs to the first window. */
function belongsTo({ from, to, isFirst, isLast }: TimeWindow, acquiredAt: number | undefined): boolean {
  if (acquiredAt === undefined || acquiredAt < from) return isFirst;
  return acquiredAt < to || (isLast && acquiredAt === to);
}

/** Without fractions of a second, which some APIs do not take. */
function asText(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
