/** One pass: everything a search finds, minus what was published before, goes out page by page. */
import type { HttpOptions } from './http';
import type { PublishedRecord } from './published-record';
import type { RedisPublisher } from './redis-publisher';
import { searchPages, type StacSearch } from './search';
import { itemVersionKey, type StacItem } from './stac-item';

export interface PublishPass extends HttpOptions {
  readonly search: StacSearch;
  readonly record: PublishedRecord;
  /** Undefined: a dry run, which neither publishes nor remembers. */
  readonly publisher: RedisPublisher | undefined;
  /** At most this many items go out in this pass. */
  readonly maxItems: number;
  onPage?(found: number, matched: number | undefined): void;
  onPublished?(item: StacItem, entryId: string | undefined): void;
}

export interface PublishResult {
  readonly found: number;
  readonly alreadyPublished: number;
  readonly published: ReadonlyArray<{ readonly item: StacItem; readonly entryId?: string }>;
  /** Channel only: the smallest number of subscribers that any message reached. */
  readonly receivers?: number;
}

export async function publishNewItems(pass: PublishPass): Promise<PublishResult> {
  const published: Array<{ item: StacItem; entryId?: string }> = [];
  const receivers: number[] = [];
  const seen = new Set<string>();
  let found = 0;
  let alreadyPublished = 0;
  for await (const page of searchPages(pass.search, pass)) {
    const fresh: StacItem[] = [];
    for (const item of page.items) {
      const key = itemVersionKey(item);
      found += 1;
      // An API may show an item twice when items are added while pages are read.
      if (pass.record.has(key) || seen.has(key)) alreadyPublished += 1;
      else if (published.length + fresh.length < pass.maxItems) fresh.push(item);
      seen.add(key);
    }
    const answer = fresh.length > 0 ? await pass.publisher?.publish(fresh) : undefined;
    if (answer) await pass.record.add(fresh.map(itemVersionKey));
    if (answer?.receivers !== undefined) receivers.push(answer.receivers);
    fresh.forEach((item, index) => {
      const entryId = answer?.entryIds[index];
      published.push({ item, entryId });
      pass.onPublished?.(item, entryId);
    });
    pass.onPage?.(found, page.matched);
    if (published.length >= pass.maxItems) break;
    pass.signal?.throwIfAborted();
  }
  return { found, alreadyPublished, published, receivers: receivers.length > 0 ? Math.min(...receivers) : undefined };
}
