import { eventually } from '../setup/eventually';
import { startClusterAtWork, type ClusterAtWork } from './cluster-at-work';
import { jsonOf } from './run-cli-for-test';

interface Run {
  readonly id: string;
  readonly state: string;
  readonly triggers: readonly string[];
  readonly events: readonly string[];
  readonly reason?: string;
  readonly parkedUntil?: string;
}
interface RunDetails extends Run {
  readonly fires: ReadonlyArray<{
    readonly state: string;
    readonly attempts: number;
    readonly events: readonly string[];
  }>;
}

describe('sluice runs and retrigger', () => {
  let cluster: ClusterAtWork;

  beforeAll(async () => {
    cluster = await startClusterAtWork();
    await cluster.apply(cluster.busDocument, manifests());
  });
  afterAll(async () => {
    cluster?.receiver.answerWith(200);
    await cluster?.sluice([
      'retrigger',
      '--query',
      `SluiceSensor = "${cluster.namespace.name}/scenes" AND SluiceState = "Parked"`,
      '--why',
      'end of test',
      '--yes',
    ]);
    await cluster?.stop();
  });

  const manifests = () => `${cluster.sourceDocument({ items: 'STREAM' })}---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers:
    - template:
        name: post
        http:
          url: ${cluster.receiver.url}/
          method: POST
          payload: [{ src: { dependencyName: item, dataKey: values.href }, dest: href }]
      retryStrategy: { steps: 100, duration: 100ms }
`;

  async function runsOf(...more: readonly string[]): Promise<readonly Run[]> {
    const run = await cluster.sluice(['runs', 'list', '--sensor', 'scenes', '-o', 'json', ...more]);
    return jsonOf<{ runs: readonly Run[] }>(run).runs;
  }
  const show = async (id: string) => jsonOf<RunDetails>(await cluster.sluice(['runs', 'show', id, '-o', 'json']));

  /** Adds an item that the receiver refuses, and waits until its run is parked. */
  async function parkRun(href: string): Promise<Run> {
    const entryId = await cluster.add('STREAM', { href });
    const event = `stac/items:STREAM:${entryId}`;
    return await eventually(async () => (await runsOf('--state', 'Parked', '--event', event))[0]);
  }
  const stateOf = (id: string, state: string) => eventually(async () => (await show(id)).state === state);

  it('lists a run that is being retried with the failure of its last attempt', async () => {
    cluster.receiver.answerWith(503);
    const event = `stac/items:STREAM:${await cluster.add('STREAM', { href: 'down' })}`;
    const reason = await eventually(async () => (await runsOf('--state', 'Firing', '--event', event))[0]?.reason);
    expect(reason).toMatch(/^attempt \d+ failed, is repeated: .*503/);
    cluster.receiver.answerWith(200);
    await eventually(async () => (await runsOf('--state', 'Succeeded', '--event', event)).length === 1);
  });

  it('lists a parked run with its reason and shows its fires', async () => {
    cluster.receiver.answerWith(400);
    const parked = await parkRun('a');
    expect(parked).toMatchObject({ state: 'Parked', triggers: ['post'] });
    expect(parked.reason).toContain('TRIGGER_REFUSED');
    const parkedUntil = expect.stringMatching(/^\d{4}-/) as string;
    expect(parked.parkedUntil).toEqual(parkedUntil);
    expect(await show(parked.id)).toMatchObject({
      ...{ id: parked.id, state: 'Parked', acts: [], retriggeredAs: [] },
      fires: [{ state: 'Parked', parked: { until: parkedUntil } }],
    });
    for (const part of [parked.events[0] ?? '', parked.id.split(':').at(-1) ?? '', parked.id.replace('run/', '')]) {
      expect(await show(part)).toMatchObject({ id: parked.id });
    }
    expect((await runsOf('--event', parked.events[0] ?? '')).map(({ id }) => id)).toEqual([parked.id]);
    expect(await runsOf('--state', 'Succeeded', '--event', parked.events[0] ?? '')).toEqual([]);
    expect(await runsOf('--since', '1h', '--limit', '1')).toHaveLength(1);
  });

  it('lists only the runs of the given namespace', async () => {
    const own = cluster.namespace.name;
    const { id } = await parkRun('of this namespace');
    const listed = async (namespace: string) => {
      const run = await cluster.sluice(['runs', 'list', '-n', namespace, '--limit', '1000', '-o', 'json']);
      return jsonOf<{ runs: readonly Run[] }>(run).runs.map((each) => each.id);
    };
    const within = await listed(own);
    expect(within).toContain(id);
    expect(within.filter((each) => !each.startsWith(`run/${own}/`))).toEqual([]);
    expect(await listed(own.slice(0, -1))).toEqual([]);
    const everywhere = ['retrigger', '--query', `WorkflowId = "${id}"`, '--why', 'x', '-o', 'json'];
    const elsewhere = await cluster.sluice([...everywhere, '-n', `${own}-2`]);
    expect(jsonOf(elsewhere)).toMatchObject({ matches: 0 });
    expect(jsonOf(await cluster.sluice(everywhere))).toMatchObject({ matches: 1, retriggered: [] });
  });

  it('retriggers a parked run with other values, and records by whom', async () => {
    cluster.receiver.answerWith(400);
    const parked = await parkRun('b');
    cluster.receiver.answerWith(200);
    const run = await cluster.sluice([
      'retrigger',
      parked.id,
      '--set',
      'href=changed',
      '--set-json',
      'priority=3',
      '--why',
      'receiver repaired',
      '-o',
      'json',
    ]);
    expect(jsonOf(run)).toMatchObject({ retriggered: [{ of: parked.id, runs: [parked.id] }] });
    await stateOf(parked.id, 'Succeeded');
    expect(cluster.receiver.requests().at(-1)?.body).toEqual({ href: 'changed', priority: 3 });
    const overrides = { href: 'changed', priority: 3 };
    const act = { what: 'retriggered', why: 'receiver repaired', overrides };
    expect(await show(parked.id)).toMatchObject({ acts: [act] });
    expect((await cluster.sluice(['runs', 'show', parked.id])).stdout).toMatch(
      /retriggered by .+: receiver repaired \(with href = changed, priority = 3\)/,
    );
  });

  it('starts a successor of a completed run', async () => {
    cluster.receiver.answerWith(400);
    const parked = await parkRun('c');
    cluster.receiver.answerWith(200);
    await cluster.sluice(['retrigger', parked.id, '--why', 'receiver repaired']);
    await stateOf(parked.id, 'Succeeded');
    const onceMore = ['retrigger', parked.id, '--trigger', 'post', '--why', 'once more', '-o', 'name'];
    const refused = await cluster.sluice(onceMore);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('--again') as string });
    const successor = (await cluster.sluice([...onceMore, '--again'])).stdout.trim();
    expect(successor).not.toBe(parked.id);
    await stateOf(successor, 'Succeeded');
    expect(await show(successor)).toMatchObject({ origin: { runId: parked.id, why: 'once more' } });
    await eventually(async () => (await cluster.sluice(['runs', 'show', parked.id])).stdout.includes(successor));
    const [event = ''] = (await show(successor)).fires[0]?.events ?? [];
    const ofEvent = [
      'retrigger',
      '--event',
      event,
      '--sensor',
      'scenes',
      '--again',
      '--why',
      'all of it',
      '-o',
      'name',
    ];
    expect((await cluster.sluice(ofEvent)).stdout.trim().split('\n')).toHaveLength(1);
  });

  it('discards only parked runs', async () => {
    cluster.receiver.answerWith(400);
    const { id } = await parkRun('d');
    expect((await cluster.sluice(['runs', 'discard', id, '--why', 'withdrawn', '--by', 'ada'])).exitCode).toBe(0);
    await stateOf(id, 'Discarded');
    const again = await cluster.sluice(['runs', 'discard', id, '--why', 'withdrawn']);
    expect(again.exitCode).toBe(2);
  });

  it('counts the runs of a query, and does nothing without confirmation', async () => {
    cluster.receiver.answerWith(400);
    const [first, second] = [await parkRun('e'), await parkRun('f')];
    const ids = [first.id, second.id].map((id) => `"${id}"`).join(', ');
    const query = [
      'retrigger',
      '--query',
      `WorkflowId IN (${ids}) AND SluiceState = "Parked"`,
      '--why',
      'repaired',
      '-o',
      'json',
    ];
    await eventually(async () => jsonOf<{ matches: number }>(await cluster.sluice(query)).matches === 2);
    expect((await show(first.id)).state).toBe('Parked');
    cluster.receiver.answerWith(200);
    const run = await cluster.sluice([...query, '--yes']);
    expect(run.stderr).toContain('2 runs match');
    expect(run.stderr).toContain('2 retriggered.');
    expect(jsonOf<{ retriggered: unknown[] }>(run).retriggered).toHaveLength(2);
    await Promise.all([stateOf(first.id, 'Succeeded'), stateOf(second.id, 'Succeeded')]);
    // The same command again, as from the shell's history: nothing is fired twice.
    const sent = cluster.receiver.requests().length;
    const all = ['retrigger', '--query', `WorkflowId IN (${ids})`, '--why', 'repaired', '--yes'];
    const twice = await cluster.sluice(all);
    expect({ exitCode: twice.exitCode, note: twice.stderr }).toMatchObject({
      exitCode: 0,
      note: expect.stringContaining('0 retriggered, 2 skipped.') as string,
    });
    expect(cluster.receiver.requests()).toHaveLength(sent);
  });

  it.each<[string, string[], number, RegExp]>([
    ['an unknown run', ['runs', 'show', 'run/default/nobody/key'], 1, /\[RUN_UNKNOWN\]/],
    ['text in no run id', ['runs', 'show', 'nonsense'], 1, /\[RUN_UNKNOWN\]/],
    ['text in several run ids', ['runs', 'show', '/scenes/'], 2, /matches \d+ runs/],
    ['a query with an unknown attribute', ['runs', 'list', '--query', 'SluiceNothing = "x"'], 2, /\[USAGE\]/],
    [
      'an event that no run carries',
      ['retrigger', '--event', 'a/b', '--sensor', 'scenes', '--why', 'x'],
      1,
      /\[RUN_UNKNOWN\]/,
    ],
    [
      'a sensor that is not applied',
      ['retrigger', '--event', 'a/b', '--sensor', 'nobody', '--why', 'x'],
      1,
      /\[OBJECT_UNKNOWN\]/,
    ],
    ['an event without a sensor', ['retrigger', '--event', 'a/b', '--why', 'x'], 2, /--sensor/],
    ['no target', ['retrigger', '--why', 'x'], 2, /\[USAGE\]/],
    ['no reason', ['retrigger', 'run/a/b/c'], 2, /--why/],
    ['a value without a path', ['retrigger', 'run/a/b/c', '--set', '=1', '--why', 'x'], 2, /PATH=VALUE/],
    ['a value that is not JSON', ['retrigger', 'run/a/b/c', '--set-json', 'a=b', '--why', 'x'], 2, /not JSON/],
    [
      'a number that would be rounded',
      ['retrigger', 'run/a/b/c', '--set-json', 'id=9007199254740993', '--why', 'x'],
      2,
      /9007199254740993 holds a number beyond 2\^53/,
    ],
  ])('reports %s', async (_what, argv, exitCode, message) => {
    const run = await cluster.sluice(argv);
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode, stdout: '' });
    expect(run.stderr).toMatch(message);
  });
});
