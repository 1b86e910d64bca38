import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { repoRoot } from '../../dev/repo-root';
import { EventSourcePlugin } from '../../src/plugin/event-source-plugin';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { buildWorkflowBundles, loadWorkflowBundle } from '../../workers/workflow-bundle';

const logger = new DefaultLogger('ERROR');
const FOLDER = join(repoRoot, 'dist', 'workflow-bundle');
const payloadKeys = { text: `first:${Buffer.alloc(32, 1).toString('base64')}` };

describe('the workflow bundle of a worker', () => {
  beforeAll(buildWorkflowBundles, 120_000);

  const load = (...plugins: readonly (SensorPlugin | EventSourcePlugin)[]): Promise<WorkflowBundleOption> =>
    loadWorkflowBundle({ logger, plugins: [...plugins] });

  it('is the one that the build made', async () => {
    expect(await load(new EventSourcePlugin(), new SensorPlugin())).toEqual({ codePath: join(FOLDER, 'plain.js') });
  });

  it('loads our modules once for a worker, with short stacks', async () => {
    const bundle = await readFile(join(FOLDER, 'plain.js'), 'utf8');
    const [, preloaded = ''] = /preloadModules\(\) \{(.*?)\n\}/s.exec(bundle) ?? [];
    expect(preloaded).toMatch(/workflows\/short-stacks\.js.*workflows\/index\.js/s);
  });

  it('encodes failures if payloads are encrypted', async () => {
    const bundle = await load(new SensorPlugin({ payloadKeys }));
    expect(bundle).toEqual({ codePath: join(FOLDER, 'encoded-failures.js') });
    expect(await readFile(join(FOLDER, 'encoded-failures.js'), 'utf8')).toContain('src/payloads/encoded-failures.js');
  });

  it('is built at start when the code beside it is not what it was built from', async () => {
    const path = join(FOLDER, 'plain.js.json');
    const built = await readFile(path, 'utf8');
    try {
      await writeFile(path, built.replace(/"workflows\/index\.js":"[^"]+"/, '"workflows/index.js":"of another build"'));
      expect(await load(new SensorPlugin())).toHaveProperty('code');
    } finally {
      await writeFile(path, built);
    }
  }, 120_000);
});
