/** The annotations `sluice.io/stac-*`: whether the STAC item of an event is wanted. Each verdict has its reason. */
import { booleanIntersects } from '@turf/boolean-intersects';
import { dataOf } from '../event/event-data';
import type { CloudEvent } from '../event/cloud-event';
import { isJsonObject, type JsonObject, type JsonValue } from '../event/json';
import { valueOf, type JsonDocument } from '../event/json-text';
import { findStacItems } from '../event/stac-items';
import type { ItemFilter } from '../manifest/annotations';
import { boxGeometry, countPositions, geometrySchema, type Geometry } from '../manifest/item-filter';
import { failed, passed, refused, verdictFrom, type ClauseVerdict } from './clause-verdict';
import { shortText } from './short-text';

/** Compared on the main thread. */
const MOST_POSITIONS = 10_000;

export interface ItemClause {
  /** Name of the annotation. */
  readonly clause: string;
  readonly verdict: ClauseVerdict;
}

/** One clause for each annotation; all of them must pass. Looks at the event as it came, before transforms. */
export function decideItemFilter(filter: ItemFilter, event: CloudEvent): readonly ItemClause[] {
  const found = itemOf(event);
  const clause = (name: string, decide: (item: JsonObject, properties: JsonObject) => ClauseVerdict): ItemClause => ({
    clause: `sluice.io/${name}`,
    verdict:
      typeof found === 'string'
        ? refused(found)
        : decide(found, isJsonObject(found['properties']) ? found['properties'] : {}),
  });
  const { area, cloudCover, platforms, acquired } = filter;
  return [
    // The cheap ones first: the first refusal is the reason that is shown.
    ...(cloudCover ? [clause('stac-cloud-cover', (_, properties) => decideCloudCover(cloudCover, properties))] : []),
    ...(platforms ? [clause('stac-platform', (_, properties) => decidePlatform(platforms, properties))] : []),
    ...(acquired ? [clause('stac-datetime', (_, properties) => decideTime(acquired, properties, event))] : []),
    ...(area ? [clause('stac-intersects', (item) => decideArea(area, item))] : []),
  ];
}

/** Returns the item, or why there is none. */
function itemOf(event: CloudEvent): JsonObject | string {
  const data = dataOf(event);
  const whole = data.kind === 'json' ? data.value : undefined;
  const value = whole === undefined ? undefined : valueOf(whole);
  const fields = isJsonObject(value) ? value : {};
  const values = isJsonObject(fields['values']) ? fields['values'] : {};
  const places: ReadonlyArray<JsonDocument | undefined> = [fields['body'], values['item'], whole];
  for (const place of places) {
    const found = place === undefined ? undefined : findStacItems(place);
    if (found === undefined) continue;
    const [only] = found.items;
    const item = only === undefined ? undefined : valueOf(only);
    if (found.items.length === 1 && isJsonObject(item)) return item;
    return `the event holds ${found.items.length} STAC items; sluice.io/split makes an event of each`;
  }
  return 'the event holds no STAC item';
}

function decideCloudCover(
  { least, most }: NonNullable<ItemFilter['cloudCover']>,
  properties: JsonObject,
): ClauseVerdict {
  const cover = properties['eo:cloud_cover'];
  if (typeof cover !== 'number') return refused('the item has no number eo:cloud_cover');
  const isWanted = cover >= least && cover <= most;
  return verdictFrom(
    isWanted,
    `eo:cloud_cover is ${cover}, wanted is ${least === 0 ? 'at most' : `${least} to`} ${most}`,
  );
}

function decidePlatform(platforms: readonly string[], properties: JsonObject): ClauseVerdict {
  const platform = properties['platform'];
  if (typeof platform !== 'string') return refused('the item has no text platform');
  const isWanted = platforms.some((name) => name.toLowerCase() === platform.toLowerCase());
  return verdictFrom(isWanted, `platform is ${shortText(platform)}, wanted is ${platforms.join(' or ')}`);
}

function decideTime(
  acquired: NonNullable<ItemFilter['acquired']>,
  properties: JsonObject,
  event: CloudEvent,
): ClauseVerdict {
  const began = timeOf(properties['datetime']) ?? timeOf(properties['start_datetime']);
  const ended = timeOf(properties['datetime']) ?? timeOf(properties['end_datetime']) ?? began;
  if (began === undefined || ended === undefined) return refused('the item says no datetime');
  const shown = new Date(began).toISOString();
  if (acquired.kind === 'within') {
    const earliest = Date.parse(event.time) - acquired.ms;
    return verdictFrom(
      ended >= earliest,
      `datetime is ${shown}, wanted is ${new Date(earliest).toISOString()} or later: ${acquired.ms / 1_000} s before the event`,
    );
  }
  const { from = '..', to = '..' } = acquired;
  const isSince = from === '..' || ended >= Date.parse(from);
  const isUntil = to === '..' || began <= Date.parse(to);
  return verdictFrom(isSince && isUntil, `datetime is ${shown}, wanted is ${from}/${to}`);
}

function timeOf(value: JsonValue | undefined): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}

function decideArea(area: Geometry, item: JsonObject): ClauseVerdict {
  const { geometry, bbox } = item;
  const isBox = Array.isArray(bbox) && bbox.every((value) => typeof value === 'number');
  const box = isBox ? boxGeometry(bbox) : undefined;
  const exact = geometrySchema.safeParse(geometry).data;
  // A box that is wrong, or crosses the meridian differently than the geometry, must not reject an item by itself.
  const found = exact ?? box;
  if (found === undefined) {
    return geometry === null || geometry === undefined
      ? refused('the item has neither a geometry nor a bbox')
      : failed({ code: 'EVENT_UNDECODABLE', message: 'the geometry of the item cannot be read' });
  }
  const positions = countPositions(found);
  if (positions > MOST_POSITIONS) {
    const message = `the geometry of the item has ${positions} positions; at most ${MOST_POSITIONS} are compared`;
    return failed({ code: 'EVENT_UNDECODABLE', message });
  }
  const what = exact === undefined ? 'the bbox' : 'the geometry';
  return booleanIntersects(toGeoJson(found), toGeoJson(area))
    ? passed(`${what} of the item intersects the area`)
    : refused(`${what} of the item does not intersect the area`);
}

/** The library wants arrays that it could change; it changes none. */
function toGeoJson(geometry: Geometry): GeoJSON.Geometry {
  return structuredClone(geometry) as GeoJSON.Geometry;
}
