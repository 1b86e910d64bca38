import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { DEPLOY_FOLDERS, loadDeployManifests } from './deploy-manifests';

const text = readFileSync(join(repoRoot, 'Dockerfile'), 'utf8');
const lines = text
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const lastStage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM')));

/** Made when the image or the package is built, not by `npm run build`. */
const MADE_WITH_THE_IMAGE = ['dist/THIRD-PARTY-NOTICES.txt', 'dist/sbom.cdx.json'];

describe('the Dockerfile', () => {
  it('builds a slim Debian image that does not run as root', () => {
    expect(lastStage[0]).toBe('FROM ${NODE_IMAGE}');
    expect(lines.find((line) => line.startsWith('ARG NODE_IMAGE='))).toMatch(/=node:\d+-bookworm-slim$/);
    expect(lastStage.filter((line) => line.startsWith('USER'))).toEqual(['USER 10001:10001']);
    expect(lines.filter((line) => line.startsWith('FROM'))).toHaveLength(3);
  });

  it('gives the user of the image a name, without which ssh does not run', () => {
    expect(lastStage.find((line) => line.startsWith('RUN apt-get'))).toMatch(/useradd --uid 10001 /);
  });

  it('excludes credentials next to the code from the build', () => {
    const ignored = readFileSync(join(repoRoot, '.dockerignore'), 'utf8').split('\n');
    expect(ignored).toEqual(
      // docs/security.md has payload keys written into the current folder.
      expect.arrayContaining(['**/*kubeconfig*', '**/.kube', '**/.env*', '**/*.pem', '**/*.key', '**/payload-keys*', '**/temporal.toml']), // prettier-ignore
    );
  });

  it('builds code that is named after credentials', () => {
    const rules = readFileSync(join(repoRoot, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    // The last rule that matches a file decides.
    expect(rules.slice(-3)).toEqual(['!src/**/*.ts', '!dev/**/*.ts', '!test/**/*.ts']);
  });

  it('copies what exists: from the checkout, or from what the build makes', () => {
    const copied = lines.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
    expect(copied).toContain('package-lock.json');
    for (const path of copied) expect(existsSync(join(repoRoot, path.replace(/\*.*$/, '')))).toBe(true);
    const built = lastStage
      .filter((line) => line.startsWith('COPY --from=build'))
      .flatMap((line) => [...line.matchAll(/ \/app\/(dist\S+)/g)].map(([, path = '']) => path));
    for (const path of built.filter((one) => !MADE_WITH_THE_IMAGE.includes(one)))
      expect(existsSync(join(repoRoot, path))).toBe(true);
    expect(lines.join('\n')).toContain('node tools/write-notices.mjs');
    // Everything that package.json ships is in the image.
    const { files } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as { files: string[] };
    expect(built).toEqual(expect.arrayContaining(files.filter((path) => path.startsWith('dist/'))));
  });

  it('builds the expressions with the flags of their own build', () => {
    const script = readFileSync(join(repoRoot, 'expressions', 'build.mjs'), 'utf8');
    const flags = /buildFlags = \[(.+)\]/.exec(script)?.[1]?.replaceAll("'", '').split(', ') ?? [];
    expect(flags.length).toBeGreaterThan(1);
    const build = lines.find((line) => line.includes('go build'))?.replaceAll('"', '');
    for (const flag of flags) expect(build).toContain(flag);
  });

  it('has the entry points that the Deployments start', () => {
    for (const { kind, spec } of DEPLOY_FOLDERS.flatMap((folder) => loadDeployManifests('argo', folder))) {
      if (kind !== 'Deployment') continue;
      const { template } = spec as { template: { spec: { containers: { args: string[] }[] } } };
      const [entry = ''] = template.spec.containers[0]?.args ?? [];
      expect(existsSync(join(repoRoot, entry))).toBe(true);
    }
  });
});
