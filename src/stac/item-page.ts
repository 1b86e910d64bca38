/** Reads what a STAC API answers. Strict in what Sluice relies on, tolerant in all the rest. */
import { z } from 'zod';
import { SluiceError } from '../errors';
import type { JsonObject } from '../event/json';
import { isJsonObject } from '../event/json';
import type { StacItem, StacLink } from './stac-item';

const link = z.looseObject({
  rel: z.string(),
  href: z.string(),
  method: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.custom<JsonObject>(isJsonObject).nullish(),
  merge: z.boolean().optional(),
});

const item = z.looseObject({
  id: z.string(),
  collection: z.string().nullish(),
  properties: z.looseObject({}).nullish(),
  links: z.array(link).nullish(),
});

const page = z.looseObject({
  // Only looked at: what is passed on is the item as the API sent it.
  features: z.array(z.custom<JsonObject>(isJsonObject)),
  links: z.array(link).nullish(),
  numberMatched: z.number().nullish(),
  context: z.looseObject({ matched: z.number().nullish() }).nullish(),
});

const landingPage = z.looseObject({ links: z.array(link) });

/** The search links of an API's first page. */
export function readLandingPage(answer: unknown, api: string): StacLink[] {
  const parsed = landingPage.safeParse(answer);
  const links = parsed.success ? parsed.data.links.filter((candidate) => candidate.rel === 'search') : [];
  if (links.length > 0) return links;
  throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${api}: expected the first page of a STAC API with a "search" link, found none`,
    fix: 'Give --api the root of a STAC API (a static catalog cannot be searched)',
  });
}

export interface ItemPage {
  readonly items: readonly StacItem[];
  readonly matched?: number;
  readonly next?: StacLink;
}

/** Throws EVENT_SOURCE_MISCONFIGURED for what is no page of STAC items; `api` names it in the message. */
export function readItemPage(answer: unknown, api: string): ItemPage {
  const parsed = page.safeParse(answer);
  if (!parsed.success) throw noItems(api, parsed.error);
  return {
    items: parsed.data.features.map((feature, index) => readItem(feature, index, api)),
    matched: parsed.data.numberMatched ?? parsed.data.context?.matched ?? undefined,
    next: parsed.data.links?.find((candidate) => candidate.rel === 'next'),
  };
}

function readItem(document: JsonObject, index: number, api: string): StacItem {
  const parsed = item.safeParse(document);
  if (!parsed.success) throw noItems(api, parsed.error, `features.${index}`);
  const feature = parsed.data;
  const collection = feature.collection ?? '';
  const properties = feature.properties ?? {};
  const served = [api.replace(/\/+$/, ''), 'collections', encodeURIComponent(collection), 'items'].join('/');
  return {
    id: feature.id,
    collection,
    href:
      feature.links?.find((candidate) => candidate.rel === 'self')?.href ??
      `${served}/${encodeURIComponent(feature.id)}`,
    updated: textOf(properties['updated']),
    cloudCover: typeof properties['eo:cloud_cover'] === 'number' ? properties['eo:cloud_cover'] : undefined,
    datetime: textOf(properties['datetime']) ?? textOf(properties['start_datetime']),
    document,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function noItems(api: string, error: z.ZodError, within = 'answer'): SluiceError {
  const issue = error.issues[0];
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${api}: expected STAC items, found something else at ${[within, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`,
    fix: 'Report this to the operator of the API, or check --api',
  });
}
