/** The Go libraries are those of Argo Events, to the version: another one reads some texts and numbers differently. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

interface PeerVersions {
  readonly argoEvents: string;
  /** As in the go.mod of that release. */
  readonly modules: Readonly<Record<string, string>>;
}

const peer = JSON.parse(
  readFileSync(join(repoRoot, 'expressions', 'argo-events-versions.json'), 'utf8'),
) as PeerVersions;
const goMod = readFileSync(join(repoRoot, 'expressions', 'go.mod'), 'utf8');
const ours = new Map([...goMod.matchAll(/^\s+(\S+) (v\S+)/gm)].map(([, name = '', version = '']) => [name, version]));

it.each(Object.entries(peer.modules))('expressions use %s as Argo Events does', (name, version) => {
  expect(ours.get(name)).toBe(version);
});

const referencePath = join(repoRoot, '..', 'shared', 'reference', 'argo-events.md');

(existsSync(referencePath) ? it : it.skip)('the recorded versions are those of the reference', () => {
  const reference = readFileSync(referencePath, 'utf8');
  expect(reference).toContain(`v${peer.argoEvents}`);
  const sentence = /exact library version that go\.mod pins \(([^)]*)\)/.exec(reference)?.[1] ?? '';
  const stated = [...sentence.matchAll(/([\w/-]+) v?([0-9a-f][0-9a-f.]+)(?=[,;]|$)/g)].flatMap(
    ([, library = '', version = '']) =>
      Object.keys(peer.modules)
        .filter((name) => `/${name}/`.includes(`/${library}/`))
        .map((name) => ({ name, version })),
  );
  expect(stated.length).toBeGreaterThanOrEqual(7);
  for (const { name, version } of stated)
    expect([name, peer.modules[name]]).toEqual([name, expect.stringContaining(version)]);
});
