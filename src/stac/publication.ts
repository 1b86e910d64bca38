/** The messages that announce items; the field names are those of the water-bodies system. */
import { textOf } from '../event/json-text';
import type { StacItem } from './stac-item';

/** `flat`: only the address of the item. `item`: includes the item itself, so that sensors can filter on it. */
export type PublicationForm = 'item' | 'flat';

/** Returns the fields of a stream entry. */
export function streamFields(item: StacItem, form: PublicationForm, producer: string): Record<string, string> {
  const flat = { subject: item.href, producer, href: item.href };
  return form === 'flat' ? flat : { ...flat, item: textOf(item.document) };
}

/** Returns the body of a channel message. */
export function channelMessage(item: StacItem, form: PublicationForm, producer: string): string {
  return form === 'flat' ? JSON.stringify({ subject: item.href, producer, href: item.href }) : textOf(item.document);
}
