import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { repoRoot } from '../../dev/repo-root';
import { parseHistory, type RecordedHistory } from './history-files';
import { WORKFLOW_TYPES } from '../../src/contract/identity';
import { workflowBundle } from '../workflows/sluice-world';

const FOLDER = join(repoRoot, 'test/replay/histories');

async function* readHistories(
  files: readonly string[],
): AsyncGenerator<{ workflowId: string; history: RecordedHistory }> {
  for (const file of files) {
    const history = parseHistory(await readFile(join(FOLDER, file), 'utf8'));
    yield { workflowId: basename(file, '.json'), history };
  }
}

describe('histories of released versions', () => {
  it('are there of every kind of workflow', async () => {
    const files = (await readdir(FOLDER, { recursive: true })).filter((file) => file.endsWith('.json'));
    const types = new Set<string | null | undefined>();
    for await (const { history } of readHistories(files)) {
      types.add(history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name);
    }
    expect([...types].sort()).toEqual(Object.values(WORKFLOW_TYPES).sort());
  });

  it('replay with the workflows as they are now', async () => {
    const files = (await readdir(FOLDER, { recursive: true })).filter((file) => file.endsWith('.json')).sort();
    expect(files.length).toBeGreaterThan(20);
    const failures: string[] = [];
    const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, readHistories(files));
    for await (const { workflowId, error } of results) if (error) failures.push(`${workflowId}: ${error.message}`);
    expect(failures).toEqual([]);
  });
});
