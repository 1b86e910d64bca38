import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { startOnFreePorts } from './processes/free-ports';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { generateStacItems, type StacItem } from './stac-items';

export interface StartStacApiOptions {
  /** The items of the API; sixty generated Sentinel-2 scenes by default. Their self links are rewritten to the API. */
  items?: readonly StacItem[];
  port?: number;
  /** Never use the API that SLUICE_DEV_STAC_URL names, even if no other option asks for a server of its own. */
  own?: boolean;
}

export interface RunningStacApi {
  /** Root of the API; items are searched at `<url>/search`. */
  url: string;
  /** The items of the API; empty for an API named by the environment. */
  items: readonly StacItem[];
  /** Ends the server. Idempotent. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Starts a STAC API with generated scenes in memory, or returns the one that SLUICE_DEV_STAC_URL names. */
export async function startStacApi(options: StartStacApiOptions = {}): Promise<RunningStacApi> {
  const external = process.env.SLUICE_DEV_STAC_URL;
  if (external !== undefined && external !== '' && Object.keys(options).length === 0) {
    return { url: external.replace(/\/$/, ''), items: [], stop: () => Promise.resolve() };
  }

  const binary = await findBinary(tools.rustac);
  const folder = await createTemporaryFolder('stac');
  try {
    return await startOnFreePorts([options.port], async (port) => {
      const url = `http://${HOST}:${port}`;
      const items = (options.items ?? generateStacItems()).map((item) => linkToApi(item, url));
      const itemsPath = join(folder, 'items.json');
      await writeFile(itemsPath, JSON.stringify({ type: 'FeatureCollection', features: items }));
      const server = await startServerProcess({
        name: 'rustac',
        command: binary,
        args: ['serve', '--addr', `${HOST}:${port}`, '--create-collections', itemsPath],
        folder,
        isReady: async () => (await fetch(`${url}/search?limit=1`)).ok,
      });
      return {
        url,
        items,
        stop: async () => {
          await server.stop();
          await removeFolder(folder);
        },
      };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

function linkToApi(item: StacItem, url: string): StacItem {
  const collection = `${url}/collections/${item.collection}`;
  return {
    ...item,
    links: [
      { rel: 'self', type: 'application/geo+json', href: `${collection}/items/${item.id}` },
      { rel: 'collection', type: 'application/json', href: collection },
      { rel: 'parent', type: 'application/json', href: collection },
      { rel: 'root', type: 'application/json', href: url },
    ],
  };
}
