/** Shared by both ways of publishing, once and with `--follow`. */
import type { PublicationForm } from '../../stac/publication';
import type { PublishPass, PublishResult } from '../../stac/publish-new-items';
import type { PublishedItem, RedisTarget } from '../../stac/redis-publisher';

export interface Publishing {
  /** Without credentials. */
  readonly api: string;
  readonly collections: readonly string[];
  readonly target: RedisTarget;
  /** Without credentials. */
  readonly redis: string;
  readonly form: PublicationForm;
  readonly isDryRun: boolean;
  /** Published items are recorded in a file. */
  readonly isRemembered: boolean;
  readonly intervalMs: number;
  /** Creates a pass that begins now: `--last` is a window that ends now. */
  createPass(): Omit<PublishPass, 'onPage' | 'onWait' | 'onNote' | 'onPublished'>;
}

export function itemData({ item, entryId }: PublishedItem): Record<string, unknown> {
  const { id, collection, datetime, updated, cloudCover, href } = item;
  return { id, collection, datetime, updated, cloudCover, href, ...(entryId === undefined ? {} : { entryId }) };
}

/** Returns undefined if every item that was found could be announced. */
export function skippedText({ skipped }: Pick<PublishResult, 'skipped'>): string | undefined {
  const [first] = skipped;
  if (first === undefined) return undefined;
  const count = skipped.length === 1 ? '1 item was skipped' : `${skipped.length} items were skipped`;
  const name = first.id === undefined ? 'an item without id' : JSON.stringify(first.id);
  return `${count}: ${name}: ${first.reason}${skipped.length > 1 ? ' …' : ''}`;
}

export function waitText(reason: string, waitMs: number): string {
  return `waiting ${Math.ceil(waitMs / 1000)} s: ${reason}`;
}

export function deafChannelText({ target }: Publishing): string {
  return `The channel "${target.name}" has no subscribers: Redis dropped the messages.`;
}
