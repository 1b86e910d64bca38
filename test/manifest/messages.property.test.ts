/** Whatever is wrong in a manifest, the message says in words what is wrong and what is expected. */
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { isFields } from '../../src/manifest/fields';
import { loadManifests } from '../../src/validation/load-manifests';
import { checkManifest, type ManifestKind } from '../../src/validation/parse-manifest';
import { formatPath, formatProblem } from '../../src/manifest/problem';

const corpus = join(repoRoot, 'test/manifest/corpus/valid');

type Path = ReadonlyArray<string | number>;

function* pathsIn(value: unknown, path: Path = []): Generator<Path> {
  yield path;
  if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* pathsIn(item, [...path, index]);
  else if (isFields(value)) for (const [key, item] of Object.entries(value)) yield* pathsIn(item, [...path, key]);
}

function replaceAt(document: unknown, [first, ...rest]: Path, value: unknown): unknown {
  if (first === undefined) return value;
  if (Array.isArray(document))
    return document.map((item: unknown, at) => (at === first ? replaceAt(item, rest, value) : item));
  if (!isFields(document)) return document;
  return Object.fromEntries(
    Object.entries(document).map(([key, item]) => [key, key === first ? replaceAt(item, rest, value) : item]),
  );
}

const oddValue = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    ' ',
    'x',
    '-1',
    '1.5',
    'true',
    0,
    -1,
    1.5,
    1e300,
    true,
    false,
    [],
    {},
    [[]],
    [null],
  ),
  fc.constantFrom<unknown>([{}], { x: 1 }, { name: 1 }, ['x', 1], 'a b', '{{', '$.a', '10GB', '3s', 'http://', '*'),
  fc.jsonValue({ maxDepth: 2 }),
);

const NO_WORDS = /Invalid input|Invalid (?:key|element|option|union)|another value|\[object|undefined|NaN/;

describe('a manifest with any one value replaced', () => {
  it('never gets an empty message', async () => {
    const { documents } = await loadManifests(readdirSync(corpus).map((file) => join(corpus, file)));
    const kinds: readonly string[] = ['EventBus', 'EventSource', 'Sensor'] satisfies ManifestKind[];
    const isOurs = (kind: string): kind is ManifestKind => kinds.includes(kind);
    const all = documents.flatMap(({ kind, object, origin: { file } }) =>
      isOurs(kind) ? [...pathsIn(object)].map((path) => ({ kind, object, file, path })) : [],
    );
    expect(all.length).toBeGreaterThan(1_000);
    fc.assert(
      fc.property(fc.nat(all.length - 1), oddValue, (index, value) => {
        const place = all[index];
        if (place === undefined) throw new Error('no such place');
        const { kind, object, file, path } = place;
        for (const finding of checkManifest(kind, replaceAt(object, path, value)).findings) {
          const text = formatProblem({ ...finding, path: formatPath(finding.path), file, object: kind });
          const said = text.split('\n').filter((line) => !line.startsWith('    found:'));
          expect(said.join('\n')).not.toMatch(NO_WORDS);
          expect(finding.message).not.toBe('');
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
