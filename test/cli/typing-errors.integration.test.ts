import { Client, Connection } from '@temporalio/client';
import type { Story } from '../../src/control/explain/story';
import { eventually } from '../setup/eventually';
import { startClusterAtWork, type ClusterAtWork } from './cluster-at-work';
import { jsonOf } from './run-cli-for-test';

describe('the command', () => {
  let cluster: ClusterAtWork;
  let own: string;
  beforeAll(async () => {
    cluster = await startClusterAtWork();
    own = cluster.namespace.name;
    await cluster.apply(
      cluster.busDocument,
      cluster.sourceDocument({ items: 'STAC' }),
      `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies:
    - name: item
      eventSourceName: stac
      eventName: items
      filters: { data: [{ path: values.kind, type: string, value: [clear] }] }
  triggers: [{ template: { name: detect, log: {} } }]
`,
    );
    await cluster.add('STAC', { kind: 'clear', scene: 'S2B_10TFK_20210713' });
    await eventually(async () => (await cluster.sluice(['runs', 'list', '-o', 'name'])).stdout.includes('run/'));
  });
  afterAll(() => cluster?.stop());

  it.each<[string, string[], RegExp]>([
    ['a sensor', ['status', 'sensor/scnes'], /scnes is not applied.*Did you mean scenes\?.*\[OBJECT_UNKNOWN\]/s],
    ['a source', ['status', 'source/stca'], /Did you mean stac\?/],
    ['a bus', ['status', 'bus/defalt'], /Did you mean default\?/],
    ['a kind', ['status', 'sensr/scenes'], /Did you mean sensor\?/],
    ['a sensor to pause', ['pause', 'sensor/scnes', '--why', 'x'], /Did you mean scenes\?/],
    ['a sensor to resume', ['resume', 'sensor/scnes', '--why', 'x'], /Did you mean scenes\?/],
    ['a sensor to delete', ['delete', 'sensor/scnes'], /Did you mean scenes\?/],
    ['a sensor of runs', ['runs', 'list', '--sensor', 'scnes'], /Did you mean scenes\?/],
    ['a trigger of runs', ['runs', 'list', '--trigger', 'detct'], /Did you mean detect\?/],
    ['a state of runs', ['runs', 'list', '--state', 'Parkd'], /Parked/],
    ['an event of runs', ['runs', 'list', '--event', 'stac/items:STAC:0-1'], /No run carries.*sluice explain/],
    ['a run', ['runs', 'show', 'run/nowhere/scenes/x'], /Unknown run/],
    ['a run to discard', ['runs', 'discard', 'run/nowhere/scenes/x', '--why', 'x'], /Unknown run/],
    ['a run to retrigger', ['retrigger', 'run/nowhere/scenes/x', '--why', 'x'], /Unknown run/],
    ['a sensor of events', ['events', '--sensor', 'scnes'], /Did you mean scenes\?/],
    ['a source of events', ['events', '--source', 'stca'], /Did you mean stac\?/],
    ['a decision', ['events', '--decision', 'filterd'], /filtered/],
    ['an event of events', ['events', '--sensor', 'scenes', '--event', 'stac/items:STAC:0-1'], /No decision about/],
    ['a time', ['events', '--since', 'yesterday'], /Expected a duration/],
    ['a sensor to replay', ['replay', '--sensor', 'scnes', '--seq', '1..2', '--why', 'x'], /Did you mean scenes\?/],
    ['a replay', ['replay', 'status', 'replay/x/y/z'], /Unknown replay/],
    ['an event', ['explain', 'no-such-event'], /No trace of/],
    [
      'a sensor of a retrigger',
      ['retrigger', '--event', 'a/b', '--sensor', 'scnes', '--why', 'x'],
      /Did you mean scenes\?/,
    ],
  ])('reports a typo in %s', async (_what, argv, said) => {
    // A sensor may be too busy to say what triggers it has; then the command says that.
    const { exitCode, stdout, stderr } = await eventually(async () => {
      const run = await cluster.sluice(argv);
      return !run.stderr.includes('could not be queried') && run;
    });
    expect({ exitCode: exitCode === 0 ? 'ok' : 'not ok', said: `${stdout}${stderr}` }).toEqual({
      exitCode: 'not ok',
      said: expect.stringMatching(said) as string,
    });
  });

  it('finds a name in another namespace, and reports an empty namespace', async () => {
    const elsewhere = await cluster.sluice(['status', 'sensor/scenes', '-n', 'elsewhere']);
    expect(elsewhere.stderr).toContain(own);
    const list = await cluster.sluice(['list', '-n', `${own}x`, '-o', 'json']);
    expect({ exitCode: list.exitCode, ...jsonOf(list) }).toEqual({ exitCode: 1, objects: [] });
    expect(list.stderr).toContain(`Did you mean ${own}?`);
    expect((await cluster.sluice(['explain', 'x', '-n', `${own}x`])).stderr).toContain(`Did you mean ${own}?`);
  });

  it('suggests a trigger although a sensor of somebody else has no worker', async () => {
    const file = await cluster.manifest(
      'forlorn.yaml',
      `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: forlorn }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: never, log: {} } }]
`,
    );
    await cluster.sluice(['apply', '-f', file, '--sensor-task-queue', 'unpolled']);
    try {
      const { exitCode, stderr } = await cluster.sluice(['runs', 'list', '--trigger', 'detct']);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringMatching(/Did you mean detect\?.*No worker answers for \d+ more sensors/s) as string,
      });
    } finally {
      await cluster.sluice(['delete', 'sensor/forlorn', '--force']);
    }
  });

  it('prints an empty list for a valid name without results', async () => {
    const runs = await cluster.sluice(['runs', 'list', '--sensor', 'scenes', '--state', 'Parked', '-o', 'json']);
    expect({ exitCode: runs.exitCode, ...jsonOf(runs), stderr: runs.stderr }).toEqual({
      exitCode: 0,
      runs: [],
      more: false,
      stderr: '',
    });
    const events = await cluster.sluice(['events', '--sensor', 'scenes', '--decision', 'discarded', '-o', 'json']);
    expect({ exitCode: events.exitCode, stderr: events.stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('explains an event found by its data as it does by its key', async () => {
    const id = await cluster.add('STAC', { kind: 'cloudy', scene: 'only-in-the-data' });
    const explain = async (text: string) =>
      jsonOf<Story>(await cluster.sluice(['explain', text, '-n', own, '-o', 'json']));
    await eventually(async () => (await explain(`stac/items:STAC:${id}`)).verdict.state === 'filtered');
    const found = await explain('only-in-the-data');
    expect({ key: found.event.key, state: found.verdict.state, unknown: found.unknown }).toEqual({
      key: `stac/items:STAC:${id}`,
      state: 'filtered',
      unknown: [],
    });
    expect(found.verdict.summary).toContain('values.kind');
  });

  it('shows the verdict of every event that has the same text', async () => {
    const first = await cluster.add('STAC', { kind: 'cloudy', scene: 'twice-announced' });
    const second = await cluster.add('STAC', { kind: 'clear', scene: 'twice-announced' });
    const explain = () => cluster.sluice(['explain', 'twice-announced', '-n', own, '-o', 'json']);
    await eventually(async () => {
      const { candidates = [] } = jsonOf<{ candidates?: Array<{ key: string; verdict?: { state: string } }> }>(
        await explain(),
      );
      const states = candidates.map(({ key, verdict }) => [key, verdict?.state]);
      return (
        JSON.stringify(states) ===
        JSON.stringify([
          [`stac/items:STAC:${first}`, 'filtered'],
          [`stac/items:STAC:${second}`, 'succeeded'],
        ])
      );
    });
    const { stdout } = await cluster.sluice(['explain', 'twice-announced', '-n', own]);
    expect(stdout).toMatch(/FILTERED/);
    expect(stdout).toMatch(/SUCCEEDED/);
  });

  it('applies the objects that Kubernetes accepts, and names file, line, object and field of rejected ones', async () => {
    const group = `${own}.example.org`;
    const schema = `{ type: object, properties: { spec: { type: object, properties: { size: { type: integer } } } } }`;
    const crd = await cluster.manifest(
      'crd.yaml',
      `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: boxes.${group} }
spec:
  group: ${group}
  scope: Namespaced
  names: { plural: boxes, singular: box, kind: Box }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: ${schema} } }]
`,
    );
    expect((await cluster.sluice(['apply', '-f', crd, '--kubernetes'])).exitCode).toBe(0);
    const box = (name: string, spec: string) =>
      `apiVersion: ${group}/v1\nkind: Box\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
    const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: beside }\ndata: { a: b }\n';
    const file = await cluster.manifest(
      'boxes.yaml',
      box('wrong', '{ size: 1, sise: 2 }'),
      'apiVersion: nowhere.example.org/v1\nkind: Thing\nmetadata: { name: thing }\n',
      map,
    );
    const run = await eventually(async () => {
      const answer = await cluster.sluice(['apply', '-f', file, '--kubernetes', '-o', 'json']);
      return answer.stdout !== '' && !answer.stderr.includes('Box/wrong: Kubernetes answered 404') && answer;
    });
    expect(run.exitCode).toBe(1);
    expect(jsonOf(run)).toMatchObject({
      kubernetes: [
        { name: 'wrong', action: 'failed', problem: { file, line: 1, object: 'Box/wrong', path: 'spec.sise' } },
        { name: 'thing', action: 'failed', problem: { object: 'Thing/thing' } },
        { name: 'beside' },
      ],
    });
    expect(run.stderr).toMatch(/boxes\.yaml:1.*Box\/wrong.*spec\.sise.*CustomResourceDefinition/s);
    await cluster.namespace.api.expect('GET', `/api/v1/namespaces/${own}/configmaps/beside`);
    await cluster.namespace.api.expect(
      'DELETE',
      `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boxes.${group}`,
    );
  });

  it('reports for an event that its sensor was ended from outside', async () => {
    const connection = await Connection.connect({ address: cluster.environment['TEMPORAL_ADDRESS'] });
    await new Client({ connection, identity: 'ada@test' }).workflow
      .getHandle(`sensor/${own}/scenes`)
      .terminate('clean-up');
    await connection.close();
    // Its listener learns of it with its next heartbeat, and handles what comes before that.
    const { verdict } = await eventually(async () => {
      const id = await cluster.add('STAC', { kind: 'clear', scene: 'too-late' });
      const run = await cluster.sluice(['explain', `stac/items:STAC:${id}`, '-n', own, '-o', 'json']);
      const story = jsonOf<Story>(run);
      return story.verdict?.summary.includes('no longer listens') && story;
    });
    expect(verdict).toMatchObject({ state: 'pending', next: [expect.stringMatching(/Apply sensor .* again/)] });
    expect(verdict.summary).toContain('Terminated by "ada@test" (unverified)');
  });
});
