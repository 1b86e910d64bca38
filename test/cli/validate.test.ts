import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jsonOf, runSluice } from './run-cli-for-test';

interface ValidateAnswer {
  readonly valid: boolean;
  readonly files: readonly string[];
  readonly objects: ReadonlyArray<{ readonly kind: string; readonly name: string; readonly valid: boolean }>;
  readonly problems: ReadonlyArray<{
    readonly severity: string;
    readonly file: string;
    readonly object: string;
    readonly path: string;
  }>;
}

const BUS = `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstream: { version: latest } }
`;
const SOURCE = `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac }
spec:
  redisStream:
    items: { hostAddress: 'redis:6379', consumerGroup: group, streams: [STREAM] }
`;
const sensor = (condition: string, jq = '.') => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies:
    - { name: item, eventSourceName: stac, eventName: items, transform: { jq: '${jq}' } }
  triggers:
    - template: { name: note, conditions: '${condition}', log: {} }
`;
const OTHER = `apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: argo }
`;

describe('sluice validate', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-validate-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function write(name: string, ...documents: readonly string[]): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, documents.join('---\n'));
    return file;
  }

  it('accepts valid manifests, and lists every object of every file', async () => {
    const files = [await write('a.yaml', BUS, SOURCE), await write('b.yaml', sensor('item'), OTHER)];
    const run = await runSluice(['validate', '-f', folder, '-o', 'json']);
    expect(run.exitCode).toBe(0);
    const answer = jsonOf<ValidateAnswer>(run);
    expect(answer).toMatchObject({ valid: true, files, problems: [] });
    expect(answer.objects.map(({ kind, name, valid }) => [kind, name, valid])).toEqual([
      ['EventBus', 'default', true],
      ['EventSource', 'stac', true],
      ['Sensor', 'scenes', true],
      ['ConfigMap', 'settings', true],
    ]);
  });

  it.each([
    ['an unknown dependency in a condition', sensor('item && scene'), 'spec.triggers[0].template.conditions'],
    ['a jq program that does not compile', sensor('item', '.a |'), 'spec.dependencies[0].transform.jq'],
    ['an unknown field', SOURCE.replace('streams', 'stream'), 'spec.redisStream.items.stream'],
  ])('rejects %s, naming file, object and field', async (_what, text, field) => {
    const file = await write('wrong.yaml', text);
    const run = await runSluice(['validate', '-f', file, '-o', 'json']);
    expect(run.exitCode).toBe(1);
    const answer = jsonOf<ValidateAnswer>(run);
    expect(answer.valid).toBe(false);
    expect(answer.objects.map(({ valid }) => valid)).toEqual([false]);
    expect(answer.problems).toContainEqual(expect.objectContaining({ severity: 'error', file, path: field }));
  });

  it('rejects two objects of one name', async () => {
    const run = await runSluice(['validate', '-f', await write('twice.yaml', SOURCE, SOURCE), '-o', 'json']);
    expect(run.exitCode).toBe(1);
    expect(jsonOf<ValidateAnswer>(run).problems).toMatchObject([{ path: 'metadata.name', object: 'EventSource/stac' }]);
  });

  it('treats warnings as errors with --strict', async () => {
    const file = await write('warning.yaml', SOURCE, sensor('item').replace('eventName: items', 'eventName: others'));
    expect((await runSluice(['validate', '-f', file])).exitCode).toBe(0);
    const strict = await runSluice(['validate', '-f', file, '--strict', '-o', 'json']);
    expect(strict.exitCode).toBe(1);
    expect(jsonOf<ValidateAnswer>(strict).problems).toMatchObject([{ severity: 'warning', object: 'Sensor/scenes' }]);
  });

  it('lists objects without a namespace under the given one', async () => {
    const file = await write('bus.yaml', BUS, BUS.replace('default', 'default, namespace: own'));
    const answer = jsonOf<ValidateAnswer>(await runSluice(['validate', '-n', 'water', '-f', file, '-o', 'json']));
    expect(answer.objects).toMatchObject([{ namespace: 'water' }, { namespace: 'own' }]);
  });

  it('notes the files of a folder that hold no objects', async () => {
    await write('bus.yaml', BUS);
    const values = await write('values.yaml', 'image: x\n');
    const run = await runSluice(['validate', '-f', folder, '-o', 'name']);
    expect(run).toMatchObject({ exitCode: 0, stdout: 'EventBus/default\n' });
    expect(run.stderr).toContain(`Skipped 1 file without Kubernetes objects: ${values}`);
  });

  it.each([
    ['is empty', ''],
    ['contains only comments', '# spec:\n---\n# kind: Sensor\n'],
  ])('rejects a file that %s, and names it', async (_what, text) => {
    const file = await write('bare.yaml', text);
    const run = await runSluice(['validate', '-f', file, '-o', 'json']);
    expect(run.exitCode).toBe(1);
    expect(jsonOf<ValidateAnswer>(run)).toMatchObject({
      files: [file],
      problems: [{ severity: 'error', file, message: 'no objects found' }],
    });
  });

  it('notes a named file without objects beside others', async () => {
    const bare = await write('bare.yaml', '# later\n');
    const run = await runSluice(['validate', '-f', await write('bus.yaml', BUS), '-f', bare, '-o', 'name']);
    expect(run).toMatchObject({ exitCode: 0, stdout: 'EventBus/default\n' });
    expect(run.stderr).toContain(`Skipped 1 file without Kubernetes objects: ${bare}`);
  });

  it('reads standard input', async () => {
    const run = await runSluice(['validate', '-f', '-', '-o', 'name'], { stdin: [BUS, SOURCE].join('---\n') });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'EventBus/default\nEventSource/stac\n', stderr: '' });
  });

  it('marks valid and invalid objects in the table', async () => {
    const file = await write('mixed.yaml', BUS, sensor('item && scene'));
    const { stdout, exitCode } = await runSluice(['validate', '-f', file]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✓ +EventBus\/default/);
    expect(stdout).toMatch(/✗ +Sensor\/scenes/);
    expect(stdout).toContain('spec.triggers[0].template.conditions');
  });

  it('rejects text that is not YAML', async () => {
    expect((await runSluice(['validate', '-f', await write('file.yaml', 'a: [')])).exitCode).toBe(1);
  });

  it('rejects a missing path', async () => {
    const run = await runSluice(['validate', '-f', path.join(folder, 'gone.yaml'), '-o', 'json']);
    expect(run.exitCode).toBe(1);
    expect(jsonOf<ValidateAnswer>(run).problems).toMatchObject([{ file: path.join(folder, 'gone.yaml') }]);
  });

  it('requires a path', async () => {
    expect((await runSluice(['validate'])).exitCode).toBe(2);
  });
});
