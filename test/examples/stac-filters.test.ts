import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { runSluice } from '../cli/run-cli-for-test';

describe('examples/stac-filters', () => {
  it('leaves out the scenes that the page says, each with its reason', async () => {
    const example = (file: string): string => join(repoRoot, 'examples', file);
    const manifests = ['-f', example('stac'), '-f', example('stac-filters')];
    const events = ['--event', example('stac-filters-test/events.yaml')];
    const run = await runSluice(['test', ...manifests, ...events, '--expect', example('stac-filters-test/expected.yaml')]); // prettier-ignore
    expect(run.stdout).toContain('as expected');
    expect(run.exitCode).toBe(0);
    const shown = await runSluice(['test', ...manifests, ...events]);
    expect(shown.stdout).toContain('filtered by sluice.io/stac-cloud-cover');
  });
});
