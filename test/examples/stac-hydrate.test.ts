import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { runSluice } from '../cli/run-cli-for-test';

describe('examples/stac-hydrate', () => {
  it('filters the items that events link to, and leaves out an event that went on without its item', async () => {
    const example = (file: string): string => join(repoRoot, 'examples', file);
    const manifests = ['-f', example('stac-hydrate'), '-f', example('stac-filters')];
    const test = ['--event', example('stac-hydrate-test/events.yaml'), '--expect', example('stac-hydrate-test/expected.yaml')]; // prettier-ignore
    const run = await runSluice(['test', ...manifests, ...test]);
    expect(run.stdout).toContain('as expected');
    expect(run.exitCode).toBe(0);
  });
});
