import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repoRoot } from '../../dev/repo-root';

const run = promisify(execFile);

describe('a worker beside two copies of the SDK of Temporal', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-two-copies-'));
    for (const name of ['worker', 'workflow']) {
      const place = join(folder, 'node_modules', '@temporalio', name);
      await mkdir(place, { recursive: true });
      await writeFile(join(place, 'package.json'), JSON.stringify({ name: `@temporalio/${name}`, version: '1.23.0' }));
      await writeFile(join(place, 'index.js'), '');
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  const configure = async (before: string): Promise<string> => {
    const script = `
      ${before}
      const { SensorPlugin } = require(${JSON.stringify(join(repoRoot, 'dist/src/index.js'))});
      try {
        new SensorPlugin().configureWorker({ taskQueue: 'q' });
        console.log('configured');
      } catch (error) {
        console.log(error.code, error.message, error.fix);
      }`;
    const file = join(folder, 'worker.cjs');
    await writeFile(file, script);
    return (await run(process.execPath, [file])).stdout;
  };

  it('is refused before it starts, with the versions, the folders and what to do', async () => {
    const said = await configure("require('@temporalio/worker');");
    expect(said).toMatch(/^PLUGIN_MISUSED .*2 copies of @temporalio\/worker: 1\.\d+\.\d+ in .* and 1\.23\.0 in /);
    expect(said).toContain(join(folder, 'node_modules', '@temporalio', 'worker'));
    expect(said).toContain('npm ls @temporalio/worker');
  });

  it('starts if the other copy is never loaded', async () => {
    expect(await configure('')).toContain('configured');
  });
});
