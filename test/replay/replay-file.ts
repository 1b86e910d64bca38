/**
 * `npm run replay-history -- FILE`: replays one history, recorded or downloaded from any server, with the workflows as
 * they are in this tree. For a debugger: `node --inspect-brk --enable-source-maps dist/test/replay/replay-file.js FILE`.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../workflows/sluice-world';
import { parseHistory } from './history-files';

async function main(file: string | undefined): Promise<void> {
  if (file === undefined) throw new Error('name a file: npm run replay-history -- FILE');
  const history = parseHistory(await readFile(file, 'utf8'));
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, basename(file, '.json'));
  process.stdout.write(`${file} replays\n`);
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
