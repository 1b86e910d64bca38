/** Recognises the documents of STAC publishers: whole items, and the flat form of the water-bodies publisher. Pure. */
import { isJsonObject } from './json';

/** The identity of one version of a STAC item. */
export interface StacItemVersion {
  readonly collection: string | undefined;
  readonly id: string;
  /** `properties.updated`: changes when the item was processed again. */
  readonly updated: string | undefined;
}

/** `{subject, producer, href}`: a reference to an item, without its body. */
export interface StacReference {
  readonly href: string;
  readonly subject: string | undefined;
  readonly producer: string | undefined;
}

/** The item's identity, or undefined if the document is not a STAC item. */
export function parseStacItem(document: unknown): StacItemVersion | undefined {
  if (!isJsonObject(document) || document.type !== 'Feature') return undefined;
  if (typeof document.stac_version !== 'string' || typeof document.id !== 'string') return undefined;
  const properties = isJsonObject(document.properties) ? document.properties : {};
  return { collection: textOf(document.collection), id: document.id, updated: textOf(properties.updated) };
}

/** The reference, or undefined if the document is not in the flat form. */
export function parseStacReference(document: unknown): StacReference | undefined {
  if (!isJsonObject(document) || typeof document.href !== 'string' || 'type' in document) return undefined;
  return { href: document.href, subject: textOf(document.subject), producer: textOf(document.producer) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
