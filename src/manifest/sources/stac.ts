/** Sluice's own event source: the items of a STAC API. Argo Events has no such kind. */
import { z } from 'zod';
import {
  basicAuth,
  kubernetesFields,
  optionalText,
  requiredText,
  secretKeySelector,
  secureHeader,
  stringMap,
  tlsConfig,
} from '../common';
import { withMetadataAndFilter } from './shared';

export const stacEventSource = z.strictObject({
  url: requiredText.describe('Root of the STAC API.'),
  collections: z.array(requiredText).min(1).describe('Ids of the collections to search.'),
  bbox: z.array(z.number()).optional().describe('West, south, east, north in degrees; or six numbers, with heights.'),
  intersects: kubernetesFields.optional().describe('GeoJSON geometry that items must intersect; instead of bbox.'),
  cql2: z
    .union([z.string().min(1), kubernetesFields])
    .optional()
    .describe('Filter in CQL2: text, or JSON.'),
  datetime: optionalText.describe('Acquisition time: RFC 3339 instant or interval, such as 2026-01-01T00:00:00Z/.. .'),
  last: optionalText.describe('Instead of datetime: acquired within this duration before now, such as 30d.'),
  since: optionalText.describe(
    'Announce items changed since this time, RFC 3339; default: since the source is first read.',
  ),
  interval: optionalText.describe('Time between searches; default 1m.'),
  lateness: optionalText.describe('How long after its own `updated` an item may appear in the API; default 1d.'),
  limit: z.int().min(1).max(10_000).optional().describe('Items per page; default 100.'),
  method: z
    .enum(['auto', 'get', 'post'])
    .optional()
    .describe('HTTP method of the search; default auto: POST if offered.'),
  headers: stringMap.optional().describe('Headers of each request, by name.'),
  secureHeaders: z.array(secureHeader).optional().describe('Headers whose values are secret.'),
  basicAuth: basicAuth.optional().describe('User and password.'),
  authSecret: secretKeySelector.optional().describe('Token that is sent as bearer token.'),
  tls: tlsConfig.optional().describe('TLS to the API; applies to https addresses.'),
  ...withMetadataAndFilter,
});
