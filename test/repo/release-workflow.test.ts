import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repoRoot } from '../../dev/repo-root';

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: ReadonlyArray<{ readonly run?: string; readonly with?: Readonly<Record<string, unknown>> }>;
}

const text = readFileSync(join(repoRoot, '.github/workflows/release.yml'), 'utf8');
const workflow = parse(text) as {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
};
const jobs = Object.entries(workflow.jobs);
const checkVersion = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(repoRoot, 'tools/check-version.mjs'), ...args], { encoding: 'utf8' });

describe('the release workflow', () => {
  it('publishes only after the checks, and with no right that a job does not need', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    const needs = (name: string): readonly string[] => {
      const direct = [workflow.jobs[name]?.needs ?? []].flat();
      return [...direct, ...direct.flatMap(needs)];
    };
    for (const [name, { permissions = {}, 'timeout-minutes': minutes }] of jobs) {
      expect([name, minutes]).toEqual([name, expect.any(Number)]);
      if (Object.values(permissions).includes('write')) expect([name, needs(name)]).toEqual([name, expect.arrayContaining(['check'])]); // prettier-ignore
    }
    expect(workflow.jobs['check']?.permissions).toBeUndefined();
  });

  it('runs scripts of this tree', () => {
    const { scripts } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as { scripts: object };
    const commands = jobs.flatMap(([, { steps }]) => steps.flatMap(({ run = '' }) => run.split('\n')));
    for (const [, script = ''] of commands.join('\n').matchAll(/npm run (\S+)/g)) expect(Object.keys(scripts)).toContain(script); // prettier-ignore
    for (const [file] of commands.join('\n').matchAll(/\b(tools|deploy)\/[\w./-]+\.\w+/g)) expect(existsSync(join(repoRoot, file))).toBe(true); // prettier-ignore
  });

  it('builds with arguments that the Dockerfile has', () => {
    const dockerfile = readFileSync(join(repoRoot, 'Dockerfile'), 'utf8');
    const given = jobs
      .flatMap(([, { steps }]) => steps.map((step) => step.with?.['build-args']))
      .flatMap((lines) =>
        [...(typeof lines === 'string' ? lines : '').matchAll(/^(\w+)=/gm)].map(([, name = '']) => name),
      );
    expect(given.sort()).toEqual(['GO_IMAGE', 'NODE_IMAGE', 'REVISION', 'VERSION']);
    for (const name of given) expect(dockerfile).toMatch(new RegExp(`^ARG ${name}=`, 'm'));
  });

  it('pins the images that it builds on, and checks that both architectures were built on them', () => {
    const runs = (name: string): string => (workflow.jobs[name]?.steps ?? []).map(({ run = '' }) => run).join('\n');
    expect(runs('check')).toContain('[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]]');
    for (const name of ['check', 'publish-image'])
      expect(runs(name)).toContain('for platform in linux/amd64 linux/arm64');
    expect(runs('publish-image')).toContain('org.opencontainers.image.base.name');
  });

  it('finds the native parts of the package for both architectures', () => {
    const { packages } = JSON.parse(readFileSync(join(repoRoot, 'package-lock.json'), 'utf8')) as {
      packages: Readonly<
        Record<string, { readonly dev?: boolean; readonly cpu?: readonly string[]; readonly integrity?: string }>
      >;
    };
    const native = Object.entries(packages).filter(([path, { dev, cpu }]) => !dev && cpu && path.includes('linux'));
    for (const [path, { integrity }] of native.filter(([name]) => name.includes('linux-x64'))) {
      expect([path, integrity, packages[path.replace('linux-x64', 'linux-arm64')]?.integrity]).toEqual([path, expect.any(String), expect.any(String)]); // prettier-ignore
    }
    // e_machine of the ELF header.
    for (const [architecture, machine] of [
      ['x86_64', 0x3e],
      ['aarch64', 0xb7],
    ] as const) {
      // prettier-ignore
      const library = join(repoRoot, 'node_modules/@temporalio/core-bridge/releases', `${architecture}-unknown-linux-gnu/index.node`);
      expect(readFileSync(library).readUInt16LE(18)).toBe(machine);
    }
  });

  it('refuses a tag that is not the version of package, chart and image', () => {
    const { version } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as { version: string };
    expect(checkVersion(`v${version}`)).toMatchObject({ status: 0, stderr: '' });
    expect(checkVersion('v999.0.0')).toMatchObject({ status: 1, stderr: expect.stringContaining('999.0.0') as string });
  });
});
