import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { repoRoot } from '../../dev/repo-root';
import { parseHistory, type RecordedHistory } from './history-files';
import { WORKFLOW_TYPES } from '../../src/contract/identity';
import type { SensorRunInput } from '../../src/contract/run-messages';
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

/** As a listener of this version starts it, with its call under way, and a worker of an earlier version carries it. */
function withCallUnderWay(text: string): string {
  const history = JSON.parse(text) as RecordedStart;
  const [payload] = history.events[0].workflowExecutionStartedEventAttributes.input.payloads;
  const input = JSON.parse(Buffer.from(payload.data, 'base64').toString()) as SensorRunInput;
  const [at, until] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:01:15.000Z'] as const;
  const underWay = input.fires.map(({ id }) => ({ fireId: id, at, until }));
  const listenerAttempts = { worker: 'recorder', attempts: [], underWay };
  payload.data = Buffer.from(JSON.stringify({ ...input, listenerAttempts })).toString('base64');
  return JSON.stringify(history);
}

interface RecordedStart {
  readonly events: readonly [
    {
      readonly workflowExecutionStartedEventAttributes: {
        readonly input: { readonly payloads: readonly [{ data: string }] };
      };
    },
  ];
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

  it('replay where that version ignored calls that the listener of this one had under way', async () => {
    const file = '0.2.0/sensor.a-run-whose-first-attempt-failed-in-passing.run-1.json';
    const history = parseHistory(withCallUnderWay(await readFile(join(FOLDER, file), 'utf8')));
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
  });
});
