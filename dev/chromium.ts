/** A headless Chromium, for pictures and tests of the Temporal UI. */
import { chromium, type Page } from 'playwright-core';
import { findBinary } from './binaries/find-binary';
import { findOnPath } from './binaries/find-on-path';
import { binaryVariable, type Tool } from './binaries/tool';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';

/** Not among the servers of the catalogue: a browser is installed only when a page is opened. */
const tool: Tool = {
  executable: 'chromium',
  version: 'any',
  lowestVersion: '100.0.0',
  versionPattern: /(\d+\.\d+\.\d+)/,
  source: {
    kind: 'system-package',
    names: { 'apt-get': 'chromium', apk: 'chromium', dnf: 'chromium', brew: 'chromium' },
  },
};
const NAMES = [tool.executable, 'chromium-browser', 'google-chrome'];

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--hide-scrollbars'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

export interface ChromiumOptions {
  /** CSS pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Device pixels for each of them. */
  readonly scale?: number;
}

export interface OpenChromium {
  readonly page: Page;
  /** Ends the browser and deletes everything it stored. */
  close(): Promise<void>;
}

/**
 * SLUICE_CHROMIUM_BIN, PATH, or installed now by the system's package manager.
 * @throws DevServerError that says what to install or set
 */
async function findChromium(): Promise<string> {
  const isNamed = (process.env[binaryVariable(tool)] ?? '') !== '';
  const onPath = NAMES.map(findOnPath).find((path) => path !== undefined);
  return isNamed || onPath === undefined ? await findBinary(tool) : onPath;
}

/** Of a machine that does much else. */
const SLOWEST_STEP_MS = 60_000;

/** Opens an empty page in a fresh browser: no cookies, no settings, no cache. */
export async function openChromium({
  width = 1200,
  height = 800,
  scale = 1,
}: ChromiumOptions = {}): Promise<OpenChromium> {
  const executablePath = await findChromium();
  const folder = await createTemporaryFolder('chromium');
  try {
    const context = await chromium.launchPersistentContext(folder, {
      executablePath,
      headless: true,
      args: FLAGS,
      viewport: { width, height },
      deviceScaleFactor: scale,
      colorScheme: 'light',
    });
    context.setDefaultTimeout(SLOWEST_STEP_MS);
    return {
      page: context.pages()[0] ?? (await context.newPage()),
      close: async () => {
        await context.close();
        await removeFolder(folder);
      },
    };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
