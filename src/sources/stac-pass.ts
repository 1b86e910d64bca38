/** Which items of one search need an event, and whether the rest of the search can. */
import type { SkippedItem } from '../stac/item-page';
import type { StacPage } from '../stac/search';
import { itemVersionKey, type StacItem } from '../stac/stac-item';
import { MAX_KNOWN_ITEMS, type KnownItems } from './stac-known-items';

/** An item, or an entry that is none, as the position remembers it. */
export interface Found {
  readonly version: string;
  /** When it changed; undefined if it does not say. */
  readonly timeMs: number | undefined;
  readonly content:
    { readonly kind: 'item'; readonly item: StacItem } | { readonly kind: 'skipped'; readonly entry: SkippedItem };
}

/** The year 2106; what lies beyond is no time of change. */
const LATEST_MS = 2 ** 32 * 1_000;

export interface PassLimits {
  readonly startedAt: number;
  /** Items that changed before this time are not looked at. */
  readonly floor: number;
  /** In the first complete search: only items that changed since then are announced, all others remembered. */
  readonly announceFrom: number | undefined;
}

/** Throws TooManyItems for a search that has no end in sight. */
export class StacPass {
  /** Versions without an event that are remembered all the same. */
  private readonly remembered: Found[] = [];
  private entries = 0;
  private lastTimeMs = Number.POSITIVE_INFINITY;
  private isNewestFirst = true;
  private isBehind = false;

  constructor(
    private readonly limits: PassLimits,
    private readonly known: KnownItems,
    private readonly inFlight: ReadonlySet<string>,
  ) {}

  /** True if no further page can hold an item that needs an event. */
  get isDone(): boolean {
    return this.isBehind;
  }

  /** Returns what needs an event. */
  take(page: StacPage): Found[] {
    const found = [...page.items.map(foundItem), ...page.skipped.map(foundSkipped)];
    this.entries += found.length;
    if (this.entries > MAX_KNOWN_ITEMS) throw new TooManyItems(this.isSorted(page));
    for (const { timeMs } of found) {
      if (timeMs === undefined) continue;
      if (timeMs > this.lastTimeMs) this.isNewestFirst = false;
      this.lastTimeMs = timeMs;
    }
    const isOld = ({ timeMs }: Found): boolean => timeMs !== undefined && timeMs < this.limits.floor;
    this.isBehind = this.isSorted(page) && found.length > 0 && found.every(isOld);
    return found.filter((each) => !isOld(each) && this.needsEvent(each));
  }

  /** Adds what was found and needs no event. Returns true if that is a change. */
  remember(rememberedForMs: number): boolean {
    const { startedAt } = this.limits;
    let hasChanged = false;
    for (const { version, timeMs } of this.remembered) {
      // Most were added before, and only their time is renewed now and then.
      const isFresh =
        timeMs === undefined &&
        this.known.has(version) &&
        !this.known.isKnownBefore(version, startedAt - rememberedForMs / 4);
      if (!isFresh) hasChanged = this.known.add(version, timeMs ?? startedAt) || hasChanged;
    }
    return hasChanged;
  }

  private isSorted(page: StacPage): boolean {
    // Some APIs promise an order that they do not keep.
    return page.isNewestFirst && this.isNewestFirst;
  }

  private needsEvent(found: Found): boolean {
    const { version, timeMs } = found;
    if (this.inFlight.has(version)) return false;
    if (this.known.has(version)) {
      if (timeMs === undefined) this.remembered.push(found);
      return false;
    }
    const { announceFrom } = this.limits;
    if (announceFrom === undefined || (timeMs !== undefined && timeMs >= announceFrom)) return true;
    this.remembered.push(found);
    return false;
  }
}

export class TooManyItems extends Error {
  constructor(readonly isSorted: boolean) {
    super(`more than ${MAX_KNOWN_ITEMS} items`);
    this.name = 'TooManyItems';
  }
}

/** Undefined for an item that does not say when it changed. */
export function changedAt({ updated, created }: StacItem): number | undefined {
  return readTime(updated) ?? readTime(created);
}

function foundItem(item: StacItem): Found {
  return {
    version: itemVersionKey(item),
    timeMs: changedAt(item),
    content: { kind: 'item', item },
  };
}

function foundSkipped(entry: SkippedItem): Found {
  return { version: `skipped:${entry.key}`, timeMs: undefined, content: { kind: 'skipped', entry } };
}

function readTime(text: string | undefined): number | undefined {
  const timeMs = text === undefined ? NaN : Date.parse(text);
  return timeMs >= 0 && timeMs <= LATEST_MS ? timeMs : undefined;
}
