/** The event of a STAC item, the same whether the item is new or back-filled. */
import { joinObject } from '../event/json-text';
import type { SkippedItem } from '../stac/item-page';
import type { StacItem } from '../stac/stac-item';
import type { ReceivedEvent } from './source';
import type { StacOptions } from './stac-search';

/** `timeMs`: when the item changed. */
export function toStacEvent(
  { collection, id, updated, href, document }: StacItem,
  timeMs: number | undefined,
  metadata: StacOptions['metadata'],
): ReceivedEvent {
  const hasMetadata = metadata !== undefined && Object.keys(metadata).length > 0;
  return {
    transportId: `stac:${collection}:${id}${updated === undefined ? '' : `:${updated}`}`,
    data: joinObject({
      values: { subject: href, producer: 'sluice', href },
      body: document,
      ...(hasMetadata && { metadata }),
    }),
    document,
    ...(timeMs !== undefined && { time: new Date(timeMs).toISOString() }),
  };
}

/** Why an entry of a page is no item, for the record of the rejection. */
export function reasonOfSkipped({ id, reason }: SkippedItem): string {
  return id === undefined ? reason : `item ${JSON.stringify(id)}: ${reason}`;
}
