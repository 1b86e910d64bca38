import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { repoRoot } from '../../dev/repo-root';
import { createProgram } from '../../src/cli/run-cli';
import { createRuntime } from '../../src/cli/runtime';
import { PassThrough } from 'node:stream';
import { runSluice } from './run-cli-for-test';

/** Every command without commands of its own, as the words that call it. */
function leavesOf(command: Command, words: readonly string[] = []): string[][] {
  const children = command.commands.filter((child) => child.name() !== 'help');
  if (children.length === 0) return [[...words]];
  return children.flatMap((child) => leavesOf(child, [...words, child.name()]));
}

async function createWhole(words: readonly string[] | 'all'): Promise<Command> {
  const sink = new PassThrough();
  const io = { stdin: sink, stdout: sink, stderr: sink, env: {}, signal: new AbortController().signal };
  return await createProgram(io, createRuntime(io), words);
}

const page = readFileSync(path.join(repoRoot, 'docs', 'cli.md'), 'utf8');
/** As docs/cli.md lists them; a test compares them with the program. */
const commands = [...page.matchAll(/\[`([a-z -]+)`\]\(#/g)].map(([, name = '']) => name);

describe('the sluice command', () => {
  it('runs as an executable of its own', () => {
    const run = spawnSync(process.execPath, [path.join(repoRoot, 'dist/src/cli/main.js'), '--version'], {
      encoding: 'utf8',
    });
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
    expect(run.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each(commands)('%s --help shows an example and the exit codes', async (name) => {
    const run = await runSluice([...name.split(' '), '--help']);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain(`sluice ${name}`);
    expect(run.stdout).toMatch(/Examples?:\n/);
    expect(run.stdout).toContain('Exit codes:');
    expect(run.stdout).toContain('--output');
  });

  it.each(['', ...commands])('%s --help fits a terminal of 80 columns', async (name) => {
    const { stdout } = await runSluice([...name.split(' ').filter((word) => word !== ''), '--help']);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it.each(commands)('%s --help gives default durations with their unit', async (name) => {
    const { stdout } = await runSluice([...name.split(' '), '--help']);
    const durations = stdout.match(/<duration>[^<]*/g) ?? [];
    for (const text of durations) expect(text).not.toMatch(/\(default:\s+\d+\)/);
  });

  it('shows no options of replay in the help of replay status, where they have no effect', async () => {
    const { stdout } = await runSluice(['replay', 'status', '--help']);
    expect(stdout).toContain('Global Options:');
    expect(stdout).not.toMatch(/--from|--again|--yes/);
  });

  it.each(['apply', 'delete', 'pause', 'resume', 'retrigger', 'runs discard', 'replay'])(
    '%s --help gives the same default of --by',
    async (name) => {
      const { stdout } = await runSluice([...name.split(' '), '--help']);
      expect(stdout.replace(/\s+/g, ' ')).toContain(
        "not authenticated (default: the kubeconfig's user, else the user name)",
      );
    },
  );

  it('has a section of docs/cli.md for each command, and no other', async () => {
    const existing = leavesOf(await createWhole('all')).map((words) => words.join(' '));
    // `replay` both runs and has a command below it.
    expect([...commands].sort()).toEqual([...existing, 'replay'].sort());
  });

  it('shows the same help whether the files of its commands are loaded or not', async () => {
    const whole = await createWhole('all');
    const light = await createWhole([]);
    expect(light.helpInformation()).toBe(whole.helpInformation());
  });

  it.each([
    ['Argument <event-id>', ['explain', '']],
    ['Argument <run-id>', ['runs', 'show', ' ']],
    ['Option --query', ['retrigger', '--query', '', '--why', 'x', '--yes']],
    ['Option --sensor', ['replay', '--sensor', '', '--seq', '1..2', '--why', 'x']],
    ['Argument <object>', ['status', 'sensor', '']],
    ['Option --filename', ['apply', '-f', '']],
  ])('rejects an empty %s, as from an unset variable', async (name, argv) => {
    const run = await runSluice([...argv], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(run.stderr).toContain(`${name} is empty`);
  });

  it.each([
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['stac', 'publish', '--frobnicate']],
    ['no command', []],
    ['an unknown output format', ['stac', 'publish', '-o', 'xml']],
  ])('exits with 2 for %s and prints nothing to stdout', async (_what, argv) => {
    const run = await runSluice(argv);
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(run.stderr).not.toBe('');
  });
});
