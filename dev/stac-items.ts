/** Synthetic Sentinel-2 scenes that look like those of a public catalogue: same fields, same units, no real pixels. */

type BoundingBox = readonly [west: number, south: number, east: number, north: number];

interface StacLink {
  rel: string;
  type: string;
  href: string;
}

interface StacAsset {
  href: string;
  type: string;
  title: string;
  roles: string[];
  gsd?: number;
}

/** A STAC 1.0 item, with the properties that Sluice's examples filter on. */
export interface StacItem {
  type: 'Feature';
  stac_version: '1.0.0';
  stac_extensions: string[];
  id: string;
  collection: string;
  geometry: { type: 'Polygon'; coordinates: number[][][] };
  bbox: number[];
  properties: {
    datetime: string;
    created: string;
    updated: string;
    platform: string;
    constellation: string;
    instruments: string[];
    gsd: number;
    /** Percentage of the scene under clouds, 0 to 100. */
    'eo:cloud_cover': number;
    'mgrs:utm_zone': number;
    'mgrs:latitude_band': string;
    'mgrs:grid_square': string;
    'proj:epsg': number;
    's2:product_type': string;
    's2:processing_baseline': string;
    's2:sequence': string;
  };
  links: StacLink[];
  assets: Record<string, StacAsset>;
}

export interface GenerateStacItemsOptions {
  /** Degrees; the area north of Lake Almanor, California, by default. */
  bbox?: BoundingBox;
  /** Day of the first pass, as YYYY-MM-DD. */
  firstDay?: string;
  /** Number of passes, five days apart. */
  passes?: number;
  /** The same seed gives the same items. */
  seed?: number;
}

interface Tile {
  square: string;
  bbox: BoundingBox;
}

const COLLECTION = 'sentinel-2-l2a';
const UTM_ZONE = 10;
const LATITUDE_BAND = 'T';
const DAYS_BETWEEN_PASSES = 5;
const DAY_MS = 24 * 3600 * 1000;
const ASSET_BASE = 'https://sentinel-cogs.example.org/sentinel-s2-l2a-cogs';

// Grid squares of zone 10T that overlap the default area, west to east and south to north.
const SQUARES = ['EK', 'FK', 'GK', 'EL', 'FL', 'GL'] as const;
const COLUMNS = 3;
const ROWS = 2;

const BANDS = [
  { key: 'blue', file: 'B02', gsd: 10 },
  { key: 'green', file: 'B03', gsd: 10 },
  { key: 'red', file: 'B04', gsd: 10 },
  { key: 'rededge1', file: 'B05', gsd: 20 },
  { key: 'nir', file: 'B08', gsd: 10 },
  { key: 'swir16', file: 'B11', gsd: 20 },
  { key: 'scl', file: 'SCL', gsd: 20 },
] as const;

/** Generates the scenes of each pass over the area: one for each of six tiles. */
export function generateStacItems(options: GenerateStacItemsOptions = {}): StacItem[] {
  const { bbox = [-121.399, 39.834, -120.74, 40.472], firstDay = '2021-07-04', passes = 10, seed = 1 } = options;
  const random = createRandom(seed);
  const tiles = divideIntoTiles(bbox);
  return Array.from({ length: passes }).flatMap((_, pass) => {
    const passDay = Date.parse(`${firstDay}T00:00:00Z`) + pass * DAYS_BETWEEN_PASSES * DAY_MS;
    return tiles.map((tile, index) => createItem(tile, passDay, index, pass % 2 === 0 ? 'a' : 'b', random));
  });
}

function createItem(tile: Tile, passDay: number, index: number, satellite: 'a' | 'b', random: () => number): StacItem {
  // Sentinel-2 crosses this longitude at about 19:00 UTC; tiles of one pass follow each other by seconds.
  const takenAt = passDay + 19 * 3600 * 1000 + index * 14_400 + Math.floor(random() * 1000);
  const publishedAt = takenAt + (3 + Math.floor(random() * 12)) * 3600 * 1000;
  const date = new Date(takenAt).toISOString();
  const compactDate = date.slice(0, 10).replaceAll('-', '');
  const id = `S2${satellite.toUpperCase()}_${UTM_ZONE}${LATITUDE_BAND}${tile.square}_${compactDate}_0_L2A`;
  const [year, month] = [date.slice(0, 4), Number(date.slice(5, 7))];
  const folder = `${ASSET_BASE}/${UTM_ZONE}/${LATITUDE_BAND}/${tile.square}/${year}/${month}/${id}`;
  return {
    type: 'Feature',
    stac_version: '1.0.0',
    stac_extensions: [
      'https://stac-extensions.github.io/eo/v1.1.0/schema.json',
      'https://stac-extensions.github.io/projection/v1.1.0/schema.json',
      'https://stac-extensions.github.io/mgrs/v1.0.0/schema.json',
    ],
    id,
    collection: COLLECTION,
    geometry: { type: 'Polygon', coordinates: [outline(tile.bbox)] },
    bbox: [...tile.bbox],
    properties: {
      datetime: date,
      created: new Date(publishedAt).toISOString(),
      updated: new Date(publishedAt).toISOString(),
      platform: `sentinel-2${satellite}`,
      constellation: 'sentinel-2',
      instruments: ['msi'],
      gsd: 10,
      // Squared: dry summers there are mostly clear.
      'eo:cloud_cover': Math.round(random() ** 2 * 100 * 1e4) / 1e4,
      'mgrs:utm_zone': UTM_ZONE,
      'mgrs:latitude_band': LATITUDE_BAND,
      'mgrs:grid_square': tile.square,
      'proj:epsg': 32_600 + UTM_ZONE,
      's2:product_type': 'S2MSI2A',
      's2:processing_baseline': '03.01',
      's2:sequence': '0',
    },
    links: [{ rel: 'self', type: 'application/geo+json', href: `${folder}/${id}.json` }],
    assets: createAssets(folder),
  };
}

function createAssets(folder: string): Record<string, StacAsset> {
  const type = 'image/tiff; application=geotiff; profile=cloud-optimized';
  const bands = BANDS.map(({ key, file, gsd }) => {
    const asset: StacAsset = { href: `${folder}/${file}.tif`, type, title: `${key} - ${gsd} m`, roles: ['data'], gsd };
    return [key, asset] as const;
  });
  const thumbnail: StacAsset = {
    href: `${folder}/thumbnail.jpg`,
    type: 'image/jpeg',
    title: 'Thumbnail',
    roles: ['thumbnail'],
  };
  return { ...Object.fromEntries(bands), thumbnail };
}

function divideIntoTiles([west, south, east, north]: BoundingBox): Tile[] {
  const width = (east - west) / COLUMNS;
  const height = (north - south) / ROWS;
  return SQUARES.map((square, index) => {
    const left = west + (index % COLUMNS) * width;
    const bottom = south + Math.floor(index / COLUMNS) * height;
    return { square, bbox: [round(left), round(bottom), round(left + width), round(bottom + height)] };
  });
}

function outline([west, south, east, north]: BoundingBox): number[][] {
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
}

function round(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}

/** A linear congruential generator: numbers in [0, 1), the same ones for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
