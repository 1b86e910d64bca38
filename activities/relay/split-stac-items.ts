/**
 * Annotation `sluice.io/split: stac-items`: each STAC item in a payload becomes an event of its own, with the item as
 * `body`. Pure.
 */
import { findStacItems, isStacItem } from '../../src/event/stac-items';
import type { Delivery } from '../../src/sources/source';
import { splitDelivery } from './split-delivery';

/** Never throws. Payloads without items, and those that are an item themselves, are left as they are. */
export function splitStacItems(delivery: Delivery): Delivery {
  return splitDelivery(delivery, (document) => {
    const found = isStacItem(document) ? undefined : findStacItems(document);
    return found && { bodies: found.items, others: found.others, expected: 'STAC items' };
  });
}
