import { mkdir, mkdtemp, rm, writeFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { loadManifests, loadManifestText } from '../../src/validation/load-manifests';
import { MAX_FILE_BYTES } from '../../src/validation/manifest-files';
import { formatProblem } from '../../src/manifest/problem';

const bus = (name: string) => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata:
  name: ${name}
spec:
  jetstream:
    version: latest
`;

describe('loading manifests', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-manifests-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('reads folders recursively, in order of names, and ignores other files', async () => {
    await mkdir(join(folder, 'b', 'deep'), { recursive: true });
    await writeFile(join(folder, 'c.yml'), bus('c'));
    await writeFile(join(folder, 'a.yaml'), `${bus('a1')}---\n${bus('a2')}`);
    await writeFile(join(folder, 'b', 'deep', 'b.json'), JSON.stringify({ kind: 'Pod', apiVersion: 'v1' }));
    await writeFile(join(folder, 'notes.txt'), 'not: [yaml');
    const { documents, problems } = await loadManifests([folder]);
    expect(problems).toEqual([]);
    expect(documents.map(({ origin, kind }) => [origin.file.slice(folder.length + 1), origin.line, kind])).toEqual([
      ['a.yaml', 1, 'EventBus'],
      ['a.yaml', 9, 'EventBus'],
      ['b/deep/b.json', 1, 'other'],
      ['c.yml', 1, 'EventBus'],
    ]);
  });

  it('reads the folder of a mounted ConfigMap once, although it shows each file twice', async () => {
    await mkdir(join(folder, '..2026_11_22'));
    await writeFile(join(folder, '..2026_11_22', 'a.yaml'), bus('a'));
    await symlink('..2026_11_22', join(folder, '..data'));
    await symlink(join('..data', 'a.yaml'), join(folder, 'a.yaml'));
    const { documents, problems } = await loadManifests([folder]);
    expect(problems).toEqual([]);
    expect(documents.map(({ origin }) => origin.file)).toEqual([join(folder, 'a.yaml')]);
  });

  it('rejects a misspelt group of a known kind, and ignores the kinds of other groups', async () => {
    const sensor = (apiVersion: string) =>
      `apiVersion: ${apiVersion}\nkind: Sensor\nmetadata: {name: x}\nspec: {a: 1}\n`;
    for (const apiVersion of [
      'argoproj/v1alpha1',
      'argoproj.ios/v1alpha1',
      'argproj.io/v1alpha1',
      'ArgoProj.io/v1alpha1',
    ]) {
      const { documents, problems } = await loadManifestText(sensor(apiVersion), 'a.yaml');
      expect(documents).toEqual([]);
      expect(problems).toMatchObject([{ severity: 'error', path: 'apiVersion', expected: 'argoproj.io/v1alpha1' }]);
    }
    const { problems } = await loadManifestText(sensor('iot.example.com/v1'), 'a.yaml');
    expect(problems).toEqual([]);
  });

  it('reads standard input as -', async () => {
    const { documents, problems } = await loadManifests(['-'], { stdin: Readable.from([bus('piped')]) });
    expect(problems).toEqual([]);
    expect(documents).toMatchObject([{ kind: 'EventBus', origin: { file: '-', line: 1 } }]);
  });

  it('reports a missing path, a folder without manifests and a file that is too large', async () => {
    const large = join(folder, 'large.yaml');
    await mkdir(join(folder, 'empty'));
    await writeFile(large, Buffer.alloc(MAX_FILE_BYTES + 1, ' '));
    const { documents, problems } = await loadManifests([join(folder, 'absent'), join(folder, 'empty'), large]);
    expect(documents).toEqual([]);
    expect(problems).toMatchObject([
      { severity: 'error', file: join(folder, 'absent') },
      { severity: 'warning', file: join(folder, 'empty') },
      { severity: 'error', file: large, message: expect.stringContaining(String(MAX_FILE_BYTES)) as string },
    ]);
  });

  it('names both places of two objects with one name in different files', async () => {
    const [first, second] = [join(folder, '1.yaml'), join(folder, '2.yaml')];
    await writeFile(first, bus('default'));
    await writeFile(second, `# comment\n${bus('default')}`);
    const { problems } = await loadManifests([first, second]);
    expect(problems).toMatchObject([
      {
        severity: 'error',
        file: second,
        line: 2,
        object: 'EventBus/default',
        message: expect.stringContaining(`${first}:1`) as string,
      },
    ]);
  });

  it('warns about Sensors of one namespace that state different limits for a concurrency group', async () => {
    const sensor = (name: string, limit: number, namespace = 'science') => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: ${name}, namespace: ${namespace}, annotations: { sluice.io/concurrency-group: gpu=${limit} } }
spec:
  dependencies: [{ name: a, eventSourceName: s, eventName: e }]
  triggers: [{ template: { name: t, log: {} } }]
`;
    const texts = [sensor('a', 20), sensor('b', 30), sensor('c', 20), sensor('elsewhere', 5, 'other')];
    expect((await loadManifestText(texts.join('---\n'), 'x')).problems).toMatchObject([
      {
        severity: 'warning',
        object: 'Sensor/b',
        path: 'metadata.annotations.sluice.io/concurrency-group',
        message: 'Sensor a states another limit for concurrency group gpu; the smallest applies',
        found: '30, and 20 there',
      },
    ]);
  });

  it('accepts objects of one name in different namespaces', async () => {
    const text = ['one', 'two'].map((space) => bus('default').replace('default', `default\n  namespace: ${space}`));
    expect((await loadManifestText(text.join('---\n'), 'x')).problems).toEqual([]);
  });

  it('skips and names files of a folder without Kubernetes objects', async () => {
    await writeFile(join(folder, 'a.yaml'), bus('a'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'x', kind: 3 }));
    await writeFile(join(folder, 'values.yaml'), 'image: "a\nb: [');
    const incomplete = 'kind: EventBus\nmetadata: { name: b }\n';
    await writeFile(join(folder, 'wrong.yaml'), incomplete);
    const { documents, problems, skipped } = await loadManifests([folder]);
    expect(documents).toHaveLength(1);
    expect(skipped).toEqual([join(folder, 'package.json'), join(folder, 'values.yaml')]);
    expect(problems).toMatchObject([{ severity: 'error', file: join(folder, 'wrong.yaml') }]);
    const named = await loadManifests([join(folder, 'package.json')]);
    expect(named.problems).toMatchObject([{ severity: 'error' }]);
  });

  it('reads UTF-16 with its mark, and rejects other encodings instead of altering their content', async () => {
    const text = bus('a').replace('latest', '"ü 2"');
    const files = {
      'utf-16.yaml': Buffer.from(`\uFEFF${text}`, 'utf16le'),
      'utf-16-be.yaml': Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
      'utf-8.yaml': Buffer.from(`\uFEFF${text}`),
      'latin-1.yaml': Buffer.from(text, 'latin1'),
      'unmarked.yaml': Buffer.from(text, 'utf16le'),
    };
    const load = async (file: keyof typeof files) => {
      await writeFile(join(folder, file), files[file]);
      return await loadManifests([join(folder, file)]);
    };
    for (const file of ['utf-16.yaml', 'utf-16-be.yaml', 'utf-8.yaml'] as const) {
      expect((await load(file)).documents).toMatchObject([{ object: { spec: { jetstream: { version: 'ü 2' } } } }]);
    }
    const message = expect.stringContaining('line 7 is not UTF-8') as string;
    expect((await load('latin-1.yaml')).problems).toMatchObject([{ severity: 'error', message }]);
    expect((await load('unmarked.yaml')).problems).toMatchObject([{ severity: 'error' }]);
  });

  it('reports where an unknown field belongs', async () => {
    const text = `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: here }
conditions: a
spec:
  dependencies: [{ name: a, eventSourceName: s, eventName: e, comparator: '>' }]
  triggers: [{ template: { name: t, http: { url: 'http://a' }, parameters: [] }, conditions: a, zebra: 1 }]
`;
    const { problems } = await loadManifestText(text, 'x');
    expect(problems.map(({ path, fix }) => [path, fix])).toEqual([
      ['conditions', 'Remove it, or move it to spec.triggers[].template.conditions.'],
      ['spec.dependencies[0].comparator', 'Remove it, or move it to spec.dependencies[].filters.data[].comparator.'],
      [
        'spec.triggers[0].template.parameters',
        'Remove it, or move it to spec.triggers[].template.http.parameters or spec.triggers[].parameters.',
      ],
      ['spec.triggers[0].conditions', 'Remove it, or move it to spec.triggers[].template.conditions.'],
      ['spec.triggers[0].zebra', 'Remove it.'],
    ]);
  });

  it('lists the types that a field may have', async () => {
    const text = `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: here }
spec:
  dependencies: [{ name: a, eventSourceName: s, eventName: e }]
  triggers: [{ template: { name: t, log: {} }, retryStrategy: { duration: [], factor: much } }]
`;
    const { problems } = await loadManifestText(text, 'x');
    expect(problems.map(({ expected }) => expected)).toEqual(['a number, or text', 'a number, such as 1.5']);
  });

  it('reports line and column of YAML syntax errors, and still checks the other documents', async () => {
    const { documents, problems } = await loadManifestText(`${bus('fine')}---\nkind: [Sensor\n`, 'broken.yaml');
    expect(documents).toHaveLength(1);
    expect(problems).toMatchObject([{ severity: 'error', file: 'broken.yaml', line: expect.any(Number) as number }]);
  });

  it('rejects a duplicate key', async () => {
    const { problems } = await loadManifestText(`${bus('a')}    version: other\n`, 'x');
    expect(problems).toMatchObject([{ severity: 'error', line: 8 }]);
  });

  it('rejects aliases that grow without bounds', async () => {
    const levels = Array.from({ length: 12 }, (_, index) => {
      const below =
        index === 0
          ? 'x'
          : Array(10)
              .fill(`*l${index - 1}`)
              .join(', ');
      return `l${index}: &l${index} [${below}]`;
    });
    const { problems } = await loadManifestText(levels.join('\n'), 'x');
    expect(problems).toMatchObject([{ severity: 'error' }]);
  });

  it.each([300, 20_000])('rejects %i levels of nesting', async (levels) => {
    const text = `{ apiVersion: v1, kind: Pod, spec: ${'['.repeat(levels)}${']'.repeat(levels)} }`;
    const { documents, problems } = await loadManifestText(text, 'x');
    expect(documents).toEqual([]);
    expect(problems).toMatchObject([{ severity: 'error', line: 1 }]);
  });

  it('reports the line of a field, even inside lists, anchors and a List, or if it is missing', async () => {
    const text = `apiVersion: v1
kind: List
items:
  - apiVersion: argoproj.io/v1alpha1
    kind: Sensor
    metadata: { name: here }
    spec:
      dependencies:
        - name: scene
          eventSourceName: catalogue
      triggers:
        - template:
            name: tell
            Log: { intervalSeconds: soon }
`;
    const { problems } = await loadManifestText(text, 'x.yaml');
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { path: 'spec.dependencies[0].eventName', line: 9, object: 'Sensor/here' },
      { path: 'spec.triggers[0].template.log.intervalSeconds', line: 14 },
    ]);
  });

  it('reports the value found, the values allowed and the fix', async () => {
    const text = bus('a').replace('version', 'versoin');
    const [problem] = (await loadManifestText(text, 'bus.yaml')).problems;
    expect(problem).toMatchObject({
      file: 'bus.yaml',
      line: 7,
      column: 5,
      object: 'EventBus/a',
      path: 'spec.jetstream.versoin',
      expected: expect.stringContaining('version') as string,
      fix: 'Did you mean version?',
    });
    expect(problem && formatProblem(problem)).toMatch(/^bus\.yaml:7:5: error: EventBus\/a spec\.jetstream\.versoin: /);
  });

  it('never shows the password of a URL', async () => {
    const text = bus('a').replace('jetstream:\n    version: latest', 'jetstreamExotic: { url: "http://u:geheim@h:1" }');
    const { problems } = await loadManifestText(text, 'x');
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain('geheim');
  });

  it('reads plain scalars as the tools of Kubernetes do', async () => {
    const text = `apiVersion: v1
kind: Pod
values: [yes, off, y, n, 0644, 10:30:00, 2026-01-01, ., e5, .5, 1e3, 1_000, ~]
`;
    const { documents } = await loadManifestText(text, 'x');
    expect(documents[0]?.object).toMatchObject({
      values: [true, false, true, false, 420, '10:30:00', '2026-01-01', '.', 'e5', 0.5, 1000, 1000, null],
    });
  });

  it('warns of a dependency on an event that its EventSource does not have', async () => {
    const text = `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: catalogue }
spec: { redis: { new-item: { hostAddress: "redis:6379", channels: [stac] } } }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: water }
spec:
  dependencies: [{ name: scene, eventSourceName: catalogue, eventName: new-items }]
  triggers: [{ template: { name: tell, log: { intervalSeconds: 1 } } }]
`;
    expect((await loadManifestText(text, 'x')).problems).toMatchObject([
      { severity: 'warning', object: 'Sensor/water', path: 'spec.dependencies[0].eventName' },
    ]);
  });
});
