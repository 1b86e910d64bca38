import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Worker, type ReplayHistoriesIterable } from '@temporalio/worker';
import { repoRoot } from '../../dev/repo-root';
import { parseHistory } from './history-files';
import { workflowBundle } from '../workflows/sluice-world';

const FOLDER = join(repoRoot, 'test/replay/histories');

async function* readHistories(files: readonly string[]): ReplayHistoriesIterable {
  for (const file of files) {
    const history = parseHistory(await readFile(join(FOLDER, file), 'utf8'));
    yield { workflowId: basename(file, '.json'), history };
  }
}

describe('histories of released versions', () => {
  it('replay with the workflows as they are now', async () => {
    const files = (await readdir(FOLDER, { recursive: true })).filter((file) => file.endsWith('.json')).sort();
    expect(files.length).toBeGreaterThan(20);
    const failures: string[] = [];
    const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, readHistories(files));
    for await (const { workflowId, error } of results) if (error) failures.push(`${workflowId}: ${error.message}`);
    expect(failures).toEqual([]);
  });
});
