/** `npm run pictures`: takes the pictures of the documentation from a running system. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { describeError } from '../src/errors/sluice-error';
import { openChromium } from './chromium';
import { startPicturedSystem } from './pictured-system';
import { repoRoot } from './repo-root';
import { TemporalUi } from './temporal-ui-pages';

const FOLDER = join(repoRoot, 'docs', 'images');
const SIZE = { width: 1280, height: 760 };
const LEFT = 64;
const TOP = 50;
/** The page animates its numbers; this is how long they take to settle. */
const SETTLE_MS = 1_500;

async function takePictures(): Promise<void> {
  const browser = await openChromium(SIZE);
  try {
    const pictured = await startPicturedSystem();
    try {
      const { page } = browser;
      const ui = new TemporalUi(page, pictured.system.temporal.uiUrl);
      const take = async (name: string, part?: Locator): Promise<void> => {
        await page.waitForTimeout(SETTLE_MS);
        const { width, height } = page.viewportSize() ?? SIZE;
        // Without the bars of the UI at the left and at the top.
        const clip = (await part?.boundingBox()) ?? { x: LEFT, y: TOP, width: width - LEFT, height: height - TOP };
        await page.screenshot({ path: join(FOLDER, `${name}.png`), clip, animations: 'disabled' });
        process.stdout.write(`docs/images/${name}.png\n`);
      };
      await mkdir(FOLDER, { recursive: true });
      const succeeded = await pictured.runs('water-bodies', 'Succeeded');
      const [parked = ''] = await pictured.runs('flood-watch', 'Parked');
      await ui.openMetadata(succeeded.find((id) => id.includes('-events-')) ?? succeeded[0] ?? '');
      await take('sensor-run');
      await ui.openMetadata(parked);
      await take('parked-run');
      await ui.openDialog(parked, 'Send a Signal');
      await ui.showChoices('signal');
      await take('signal-dialog', ui.dialog());
      await page.waitForTimeout(10_000);
      await ui.openMetadata('sensor/default/flood-watch');
      await take('sensor');
      await page.setViewportSize({ ...SIZE, height: 600 });
      await ui.openList(`SluiceState="Parked"`);
      await take('runs-by-state');
    } finally {
      await pictured.stop();
    }
  } finally {
    await browser.close();
  }
}

takePictures().catch((error: unknown) => {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
});
