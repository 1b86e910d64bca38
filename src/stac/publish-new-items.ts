/** One pass: publishes, page by page, everything a search finds that was not published before. */
import type { SkippedItem } from './item-page';
import type { PublishedRecord } from './published-record';
import type { PublishedItem, RedisPublisher } from './redis-publisher';
import { searchPages, type SearchOptions, type StacPage } from './search';
import type { StacSearch } from './search-request';
import { itemVersionKey, type StacItem } from './stac-item';

export interface PublishPass extends SearchOptions {
  readonly search: StacSearch;
  readonly record: PublishedRecord;
  /** Undefined: a dry run, which neither publishes nor remembers. */
  readonly publisher: RedisPublisher | undefined;
  /** Maximum number of items published in this pass. */
  readonly maxItems: number;
  onPage?(found: number, matched: number | undefined): void;
  onPublished?(published: PublishedItem): void;
}

export interface PublishResult {
  readonly found: number;
  /** Number of matching items, if the API counts them. */
  readonly matched?: number;
  readonly alreadyPublished: number;
  readonly published: readonly PublishedItem[];
  readonly skipped: readonly SkippedItem[];
  /** Sent when the connection to Redis was lost: may or may not have been published. */
  readonly uncertain: number;
  /** Channel only: the smallest number of subscribers that any message reached. */
  readonly receivers?: number;
  /** Why the search was not read to its end; the counts above apply all the same. */
  readonly interruption?: { readonly kind: 'aborted' } | { readonly kind: 'failed'; readonly error: unknown };
}

/** Never rejects: items published before an error count as much as the error. */
export async function publishNewItems(pass: PublishPass): Promise<PublishResult> {
  const progress = new PassProgress(pass);
  try {
    for await (const page of searchPages(pass.search, pass)) {
      await progress.take(page);
      if (progress.isFull) break;
      pass.signal?.throwIfAborted();
    }
    return progress.result();
  } catch (error) {
    return progress.result(pass.signal?.aborted === true ? { kind: 'aborted' } : { kind: 'failed', error });
  }
}

class PassProgress {
  private readonly published: PublishedItem[] = [];
  private readonly skipped: SkippedItem[] = [];
  private readonly seen = new Set<string>();
  private found = 0;
  private matched: number | undefined;
  private alreadyPublished = 0;
  private uncertain = 0;

  constructor(private readonly pass: PublishPass) {}

  get isFull(): boolean {
    return this.published.length >= this.pass.maxItems;
  }

  async take(page: StacPage): Promise<void> {
    const { pass } = this;
    this.skipped.push(...page.skipped);
    this.found += page.skipped.length;
    this.matched = page.matched ?? this.matched;
    const fresh = this.selectFresh(page.items);
    const { published, uncertain, error } = await publishTo(pass.publisher, fresh);
    this.published.push(...published);
    this.uncertain += uncertain;
    for (const each of published) pass.onPublished?.(each);
    if (pass.publisher !== undefined && published.length > 0) {
      await pass.record.add(published.map(({ item }) => itemVersionKey(item)));
    }
    if (error !== undefined) throw error;
    pass.onPage?.(this.found, page.matched);
  }

  result(interruption?: PublishResult['interruption']): PublishResult {
    const { found, matched, alreadyPublished, published, skipped, uncertain } = this;
    const receivers = published.flatMap((each) => each.receivers ?? []);
    return {
      ...{ found, alreadyPublished, published, skipped, uncertain },
      ...(matched !== undefined && { matched }),
      ...(receivers.length > 0 && { receivers: receivers.reduce((least, count) => Math.min(least, count)) }),
      ...(interruption && { interruption }),
    };
  }

  private selectFresh(items: readonly StacItem[]): StacItem[] {
    const fresh: StacItem[] = [];
    for (const item of items) {
      const key = itemVersionKey(item);
      this.found += 1;
      // An API may show an item twice when items are added while pages are read.
      if (this.pass.record.has(key) || this.seen.has(key)) this.alreadyPublished += 1;
      else if (this.published.length + fresh.length < this.pass.maxItems) fresh.push(item);
      this.seen.add(key);
    }
    return fresh;
  }
}

async function publishTo(
  publisher: RedisPublisher | undefined,
  items: readonly StacItem[],
): ReturnType<RedisPublisher['publish']> {
  if (publisher === undefined) return { published: items.map((item) => ({ item })), uncertain: 0 };
  return items.length === 0 ? { published: [], uncertain: 0 } : await publisher.publish(items);
}
