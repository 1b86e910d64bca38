import { Client, Connection } from '@temporalio/client';
import { startTemporal } from '../../dev/servers';
import { replayWorkflowId } from '../../src/contract/identity';
import type { ReplayProgress } from '../../src/contract/replay-messages';
import { eventually } from '../setup/eventually';
import { startClusterAtWork, type ClusterAtWork } from './cluster-at-work';
import { jsonOf } from './run-cli-for-test';

type Replay = Omit<ReplayProgress, 'state'> & { readonly id: string; readonly state: string; readonly dryRun: boolean };

describe('sluice replay and events', () => {
  let cluster: ClusterAtWork;

  beforeAll(async () => {
    cluster = await startClusterAtWork();
    await apply('clear');
  });
  afterAll(() => cluster?.stop());

  /** `sky`: a regular expression; what else the sensor filters out. */
  const manifests = (sky: string): string => {
    const post = (trigger: string, condition: string, dependency: string) => `
    - template:
        name: ${trigger}
        conditions: ${condition}
        http:
          url: ${cluster.receiver.url}/${trigger}
          method: POST
          payload: [{ src: { dependencyName: ${dependency}, dataKey: values.href }, dest: href }]`;
    return `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac }
spec:
  redisStream: { items: ${cluster.streamSpec('ITEMS')}, left: ${cluster.streamSpec('LEFT')}, right: ${cluster.streamSpec('RIGHT')}, other: ${cluster.streamSpec('OTHER')} }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies:
    - name: item
      eventSourceName: stac
      eventName: items
      filters: { data: [{ path: values.sky, type: string, value: ['${sky}'] }] }
    - { name: left, eventSourceName: stac, eventName: left }
    - { name: right, eventSourceName: stac, eventName: right }
  triggers:${post('single', 'item', 'item')}${post('pair', 'left && right', 'left')}
`;
  };
  const apply = (sky: string) => cluster.apply(cluster.busDocument, manifests(sky));
  const replay = async (...words: readonly string[]): Promise<Replay> =>
    jsonOf<Replay>(
      await cluster.sluice(['replay', '--sensor', 'scenes', '--why', 'the filter was wrong', '-o', 'json', ...words]),
    );
  const sent = (trigger: string) => cluster.receiver.requests(`/${trigger}`).map(({ body }) => body['href']);
  const decisions = async (...words: readonly string[]) =>
    jsonOf<{ decisions: Array<{ decision: string; eventKey: string; clause?: string }> }>(
      await cluster.sluice(['events', '--sensor', 'scenes', '-o', 'json', ...words]),
    ).decisions;

  it('shows the fires in a dry run, and fires only events that never fired', async () => {
    await cluster.add('ITEMS', { sky: 'clear', href: 'a1' });
    await cluster.add('OTHER', { href: 'for nobody' });
    await cluster.add('ITEMS', { sky: 'hazy', href: 'a2' });
    await eventually(() => sent('single').includes('a1'));
    await eventually(async () => (await decisions('--decision', 'filtered')).length === 1);
    await apply('clear|hazy');

    const dryRun = await replay('--seq', '1..');
    expect(dryRun).toMatchObject({ state: 'Completed', dryRun: true, read: 2, matched: 2, fired: 1, skipped: 1 });
    expect(dryRun.examples).toEqual([expect.objectContaining({ triggers: ['single'] })]);
    expect(sent('single')).toEqual(['a1']);

    const real = await replay('--seq', '1..', '--yes', '--wait');
    expect(real).toMatchObject({ state: 'Completed', dryRun: false, read: 2, fired: 1, skipped: 1 });
    await eventually(() => sent('single').length === 2);
    expect(sent('single')).toEqual(['a1', 'a2']);

    await eventually(async () => (await replay('--seq', '1..')).skipped === 2);
    expect(await replay('--seq', '1..', '--yes', '--wait')).toMatchObject({ fired: 0 });
  });

  it('fires everything again with --again, including joined triggers', async () => {
    await cluster.add('LEFT', { href: 'l1' });
    await cluster.add('RIGHT', { href: 'r1' });
    await eventually(() => sent('pair').length === 1);
    await eventually(async () => (await replay('--seq', '1..')).joined === 0);
    cluster.receiver.forgetRequests();
    expect(await replay('--seq', '1..', '--again')).toMatchObject({ fired: 2, joined: 2, skipped: 0 });
    const real = await replay('--seq', '1..', '--again', '--yes', '--wait');
    expect(real).toMatchObject({ fired: 2, joined: 2 });
    await eventually(() => cluster.receiver.requests().length === 3);
    expect([sent('single').sort(), sent('pair')]).toEqual([['a1', 'a2'], ['l1']]);
    const status = jsonOf(await cluster.sluice(['replay', 'status', real.id, '-o', 'json']));
    expect(status).toMatchObject({ id: real.id, state: 'Completed', fired: 2 });
  });

  it('does not pass held events to a joined trigger again', async () => {
    await cluster.add('LEFT', { href: 'l2' });
    await eventually(async () =>
      (await decisions('--decision', 'joined')).some(({ eventKey }) => eventKey.includes('LEFT')),
    );
    const before = await eventually(async () => {
      const state = await replay('--seq', '1..');
      return state.joined === 0 && state;
    });
    expect(before).toMatchObject({ fired: 0, joined: 0 });
  });

  it('finds nothing in an empty range', async () => {
    const nothing = { state: 'Completed', read: 0, fired: 0, examples: [] };
    expect(await replay('--seq', '600..650')).toMatchObject(nothing);
    expect(await replay('--from', '2001-01-01T00:00:00Z', '--to', '2001-01-02T00:00:00Z')).toMatchObject(nothing);
    expect(await replay('--from', '2099-01-01T00:00:00Z', '--yes', '--wait')).toMatchObject(nothing);
  });

  it('continues at its position when its worker is killed, and fires nothing twice', async () => {
    // More than a portion of the replay.
    const count = 800;
    const pipeline = cluster.client.pipeline();
    for (let index = 0; index < count; index += 1) pipeline.xadd('ITEMS', '*', 'sky', 'cloudy', 'href', `k${index}`);
    await pipeline.exec();
    await eventually(async () => (await decisions('--decision', 'filtered', '--limit', '5000')).length > count);
    await apply('clear|hazy|cloudy');
    cluster.receiver.forgetRequests();
    const { id } = await replay('--seq', '1..', '--yes');
    await eventually(() => cluster.receiver.requests().length > 100);
    await cluster.killWorkers();
    expect(cluster.receiver.requests().length).toBeLessThan(count);
    await cluster.startWorkers();
    const hrefs = await eventually(() => new Set(sent('single')).size === count && sent('single'), {
      timeoutMs: 60_000,
    });
    expect(new Set(hrefs).size).toBe(count);
    const ended = await eventually(async () => {
      const state = jsonOf<Replay>(await cluster.sluice(['replay', 'status', id, '-o', 'json']));
      return state.state === 'Completed' && state;
    });
    expect(ended).toMatchObject({ fired: count });
    // A request that was under way at the kill is sent again, with the same Idempotency-Key.
    expect(hrefs.length - count).toBeLessThan(250);
  }, 150_000);

  it('is rejected while another replay fires through the sensor', async () => {
    const temporal = await startTemporal();
    const connection = await Connection.connect({ address: temporal.address });
    const { workflow } = new Client({ connection });
    const workflowId = replayWorkflowId(cluster.namespace.name, 'scenes', 'other');
    // Nobody works there, so that it goes on for as long as it is needed.
    const other = await workflow.start('replay', {
      workflowId,
      taskQueue: 'nobody',
      memo: { dryRun: false },
      args: [],
    });
    const refused = await eventually(async () => {
      const run = await cluster.sluice(['replay', '--sensor', 'scenes', '--why', 'x', '--seq', '600..650', '--yes']);
      return run.exitCode !== 0 && run;
    });
    expect(refused.stderr).toContain(workflowId);
    expect(refused.stderr).toContain('[REPLAY_RUNNING]');
    expect(await replay('--seq', '600..650')).toMatchObject({ state: 'Completed', dryRun: true });
    await other.terminate();
    await connection.close();
    await temporal.stop();
  });

  it.each<[string, string[], number, RegExp]>([
    ['no sensor', ['replay', '--seq', '1..2', '--why', 'x'], 2, /--sensor/],
    ['no reason', ['replay', '--sensor', 'scenes', '--seq', '1..2'], 2, /--why/],
    ['no range', ['replay', '--sensor', 'scenes', '--why', 'x'], 2, /--from/],
    [
      'positions in the wrong order',
      ['replay', '--sensor', 'scenes', '--why', 'x', '--seq', '9..2'],
      2,
      /1200\.\.1450/,
    ],
    [
      'times in the wrong order',
      ['replay', '--sensor', 'scenes', '--why', 'x', '--from', '2026-02-01T00:00:00Z', '--to', '2026-01-01T00:00:00Z'],
      2,
      /after --to/,
    ],
    ['an invalid time', ['replay', '--sensor', 'scenes', '--why', 'x', '--from', 'yesterday'], 2, /2026/],
    ['a sensor that is not applied', ['replay', '--sensor', 'nobody', '--why', 'x', '--seq', '1'], 1, /OBJECT_UNKNOWN/],
    ['an unknown replay', ['replay', 'status', 'replay/a/b/c'], 2, /Unknown replay/],
  ])('reports %s', async (_what, argv, exitCode, message) => {
    const run = await cluster.sluice(argv);
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode, stdout: '' });
    expect(run.stderr).toMatch(message);
  });
});
