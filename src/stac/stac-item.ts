/** The parts of a STAC item that Sluice reads. Everything else travels along untouched. */
import type { JsonObject } from '../event/json';

export interface StacLink {
  readonly rel: string;
  readonly href: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonObject | null;
  /** STAC API: the body of a `next` link is to be laid over the body of the request before. */
  readonly merge?: boolean;
}

export interface StacItem {
  readonly id: string;
  readonly collection: string;
  /** Address of the item itself: its `self` link, or where the API serves it. */
  readonly href: string;
  /** `properties.updated`: tells a re-processed item from the one published before. */
  readonly updated?: string;
  readonly cloudCover?: number;
  readonly datetime?: string;
  /** The item as the API sent it. */
  readonly document: JsonObject;
}

/** What counts as the same news: a re-processed item is news again, the same item found twice is not. */
export function itemVersionKey(item: StacItem): string {
  const name = `${item.collection}/${item.id}`;
  return item.updated === undefined ? name : `${name}@${item.updated}`;
}
