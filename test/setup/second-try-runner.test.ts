import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { z } from 'zod';

const PASSES = `test('passes', () => {});`;
const FAILS = `test('fails', () => { throw new Error('always'); }); ${PASSES}`;
const FAILS_ONCE = `
  const { existsSync, writeFileSync } = require('node:fs');
  test('fails once', () => {
    if (existsSync(__filename + '.tried')) return;
    writeFileSync(__filename + '.tried', '');
    throw new Error('only at first');
  });`;
const CANNOT_RUN = `throw new Error('cannot run');`;
const Summary = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numFailedTestSuites: z.number(),
  numPassedTestSuites: z.number(),
});

let folder: string;
beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), 'sluice-second-try-'))));
afterEach(() => rm(folder, { recursive: true }));

/** Runs suites by jest, with this runner. */
async function run(suites: Record<string, string>) {
  for (const [name, text] of Object.entries(suites)) await writeFile(path.join(folder, `${name}.test.js`), text);
  const runner = path.resolve('dist/test/setup/second-try-runner.js');
  const config = JSON.stringify({ rootDir: folder, transform: {}, runner, maxWorkers: 2 });
  const summary = path.join(folder, 'summary.json');
  const jest = path.resolve('node_modules/jest/bin/jest.js');
  const options = ['--experimental-vm-modules', '--no-warnings', jest, `--config=${config}`, '--json'];
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    const child = execFile(process.execPath, [...options, `--outputFile=${summary}`], (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stderr }),
    );
  });
  return { code, output, summary: Summary.parse(JSON.parse(await readFile(summary, 'utf8'))) };
}

describe('A suite that failed', () => {
  test('passes the run if it passes alone, and is named with its first failure', async () => {
    const { code, output, summary } = await run({ good: PASSES, unsteady: FAILS_ONCE });
    expect(summary).toMatchObject({ numPassedTests: 2, numFailedTests: 0, numPassedTestSuites: 2 });
    expect(code).toBe(0);
    expect(output).toContain('only at first');
    expect(output).toMatch(/Passed only when run again alone:\n {2}\S+unsteady\.test\.js\n/);
  });

  test('fails the run if it fails alone as well, and counts once', async () => {
    const { code, output, summary } = await run({ good: PASSES, bad: FAILS, broken: CANNOT_RUN });
    expect(summary).toMatchObject({ numPassedTests: 2, numFailedTests: 1, numFailedTestSuites: 2 });
    expect(code).toBe(1);
    expect(output).not.toContain('Passed only when run again alone');
  });

  test('is not run again when it is the only one', async () => {
    const { code, summary } = await run({ unsteady: FAILS_ONCE });
    expect(summary).toMatchObject({ numFailedTests: 1 });
    expect(code).toBe(1);
  });

  test('is not run again when too many failed', async () => {
    const suites = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`unsteady-${i}`, FAILS_ONCE]));
    const { code, summary } = await run(suites);
    expect(summary).toMatchObject({ numFailedTestSuites: 13 });
    expect(code).toBe(1);
  });
});
