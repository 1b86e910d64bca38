import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { repoRoot } from '../../dev/repo-root';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import { eventually } from '../setup/eventually';

interface Outcome {
  status: number | null;
  output: string;
  lastLine: string;
}

/** How the npm of the test behaves; each value is shell code. */
interface FakeNpm {
  test: string;
  lint?: string;
}

const PASSING = 'echo "Tests:       2 skipped, 40 passed, 42 total"';

describe('.ci/run', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await createTemporaryFolder('ci-run');
    for (const name of ['.ci', 'bin', 'node_modules']) mkdirSync(join(folder, name));
    copyFileSync(join(repoRoot, '.ci', 'run'), join(folder, '.ci', 'run'));
  });
  afterEach(() => removeFolder(folder));

  function start({ test, lint = 'true' }: FakeNpm): ChildProcess {
    const npm = join(folder, 'bin', 'npm');
    writeFileSync(
      npm,
      `#!/bin/sh\necho "$*" >> ${folder}/calls\ncase "$*" in\n  test) ${test} ;;\n  *lint*) ${lint} ;;\nesac\n`,
    );
    chmodSync(npm, 0o755);
    const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` };
    return spawn('bash', [join(folder, '.ci', 'run')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async function run(npm: FakeNpm): Promise<Outcome> {
    const child = start(npm);
    const [output, [status]] = await Promise.all([
      text(child.stdout ?? process.stdin),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { status, output, lastLine: output.trimEnd().split('\n').at(-1) ?? '' };
  }

  const isAlive = (pidFile: string): boolean => {
    if (!existsSync(pidFile)) return false;
    const pid = readFileSync(pidFile, 'utf8').trim();
    // A process that has ended and waits for its parent's notice is not alive.
    return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  };

  it('ends with the counts of the tests and runs every check', async () => {
    const { status, lastLine } = await run({ test: PASSING });
    expect(lastLine).toBe('40 passed, 0 failed, 2 skipped');
    expect(status).toBe(0);
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
    expect(calls.slice(0, 2)).toEqual(['ci', 'test']);
    expect(calls.slice(2).map((call) => call.replace('run --silent ', ''))).toEqual([
      'typecheck',
      'lint',
      'format:check',
      'unused',
      'docs:api -- --emit none --disableSources',
    ]);
  });

  const failures: [string, FakeNpm, string][] = [
    ['a test fails', { test: 'echo "Tests:       1 failed, 3 passed, 4 total"; exit 1' }, '3 passed, 1 failed'],
    ['a check fails', { test: PASSING, lint: 'exit 1' }, '40 passed, 0 failed, 2 skipped'],
    ['no test was run', { test: 'true' }, '0 passed, 1 failed'],
    [
      'a suite could not be loaded',
      { test: 'echo "Test Suites: 1 failed, 2 passed, 3 total"; echo "Tests:       3 passed, 3 total"; exit 1' },
      '3 passed, 1 failed',
    ],
  ];
  it.each(failures)('fails if %s, and still runs the other checks', async (_, npm, line) => {
    const { status, lastLine } = await run(npm);
    expect(lastLine).toBe(line);
    expect(status).toBe(1);
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toContain('unused');
  });

  it('fails if a process is left behind, and kills it', async () => {
    const pidFile = join(folder, 'pid');
    const leave = `setsid sleep 600 >/dev/null 2>&1 & echo $! > ${pidFile}; ${PASSING}`;
    const { status, output } = await run({ test: leave });
    expect(status).toBe(1);
    expect(output).toContain('left behind');
    expect(isAlive(pidFile)).toBe(false);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends everything it started when it gets %s', async (signal) => {
    const pidFile = join(folder, 'pid');
    const child = start({ test: `setsid sleep 600 & echo $! > ${pidFile}; wait` });
    child.stdout?.resume();
    await eventually(() => isAlive(pidFile));
    child.kill(signal);
    const [status] = (await once(child, 'exit')) as [number | null];
    expect(status).toBeGreaterThan(128);
    expect(isAlive(pidFile)).toBe(false);
  });
});
