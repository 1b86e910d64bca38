import { ChangingStacApi } from '../../dev/changing-stac-api';
import type { BackfillState } from '../../src/control/backfill/backfill-workflow';
import { eventually } from '../setup/eventually';
import { startClusterAtWork, type ClusterAtWork } from './cluster-at-work';
import { jsonOf } from './run-cli-for-test';

const RANGE = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-11T00:00:00Z'];

describe('sluice stac backfill', () => {
  let cluster: ClusterAtWork;
  const api = new ChangingStacApi();

  beforeAll(async () => {
    await api.start();
    cluster = await startClusterAtWork();
    await cluster.apply(
      cluster.busDocument,
      `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: scenes }
spec:
  stac: { announced: { url: '${api.url}', collections: [c], interval: 1s }, others: { url: '${api.url}', collections: [d], interval: 1s } }
  redisStream: { items: ${cluster.streamSpec('ITEMS')} }
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: without }
spec: { redisStream: { items: ${cluster.streamSpec('WITHOUT')} } }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: detect }
spec:
  dependencies: [{ name: scene, eventSourceName: scenes, eventName: announced }]
  triggers:
    - template:
        name: post
        http:
          url: ${cluster.receiver.url}/detect
          method: POST
          payload: [{ src: { dependencyName: scene, dataKey: body.id }, dest: id }]
`,
    );
  });
  afterAll(async () => {
    await cluster?.stop();
    await api.stop();
  });

  /** The API has these from now on; those of the past were acquired in the range. */
  function put(count: number, prefix: string, updated = '2026-01-20T00:00:00Z'): void {
    for (let index = 0; index < count; index += 1) {
      const datetime = new Date(Date.parse('2026-01-01T00:00:00Z') + index * 60_000).toISOString();
      const item = {
        type: 'Feature',
        stac_version: '1.0.0',
        id: `${prefix}-${index}`,
        collection: 'c',
        geometry: null,
      };
      api.put({ ...item, properties: { datetime, updated }, links: [], assets: {} });
    }
  }

  const backfill = (...words: readonly string[]) => cluster.sluice(['stac', 'backfill', ...words]);
  const start = async (...words: readonly string[]): Promise<string> => {
    const started = await backfill('start', '--source', 'scenes', '--event', 'announced', ...RANGE, '--why', 'new sensor', '-o', 'json', ...words); // prettier-ignore
    return jsonOf<{ id: string }>(started).id;
  };
  const status = async (id: string) => jsonOf<BackfillState>(await backfill('status', id, '-o', 'json'));
  const until = (id: string, isMet: (state: BackfillState) => boolean): Promise<BackfillState> =>
    eventually(async () => {
      const state = await status(id);
      return isMet(state) && state;
    });
  const fired = () => cluster.receiver.requests('/detect').map(({ body }) => JSON.stringify(body['id']));
  const firedOf = (prefix: string) => fired().filter((id) => id.startsWith(`"${prefix}-`));

  it('fires for older items, and not again for one that was announced before', async () => {
    put(20, 'old');
    put(1, 'new', new Date().toISOString());
    await eventually(() => fired().includes('"new-0"'));
    const id = await start();
    const ended = await until(id, ({ state }) => state === 'Completed');
    expect(ended).toMatchObject({ found: 21, published: 20, duplicates: 1, share: 1, remainingMs: 0 });
    expect(ended.request).toMatchObject({ eventName: 'announced', why: 'new sensor' });
    await eventually(() => fired().length >= 21);
    expect(new Set(fired()).size).toBe(21);
    expect(fired()).toHaveLength(21);
    const listed = jsonOf<{ backfills: BackfillState[] }>(await backfill('list', '-o', 'json'));
    expect(listed.backfills).toContainEqual(expect.objectContaining({ id, state: 'Completed' }));
    const shown = await backfill('status', id);
    expect(shown.stdout).toContain('100 %');
    expect(shown.stdout).toContain('new sensor');
  });

  it('is paused, resumed and cancelled by its id, with who did it and why', async () => {
    put(200, 'slow');
    const id = await start('--rate', '10');
    await until(id, ({ found, perSecond }) => found > 0 && perSecond !== undefined);
    expect((await backfill('pause', id, '--why', 'the cluster is busy')).exitCode).toBe(0);
    const paused = await until(id, ({ state }) => state === 'Paused');
    expect(paused.paused?.why).toBe('the cluster is busy');
    expect((await backfill('resume', id, '--why', 'it is idle')).exitCode).toBe(0);
    await until(id, ({ state }) => state === 'Running');
    expect((await backfill('cancel', id, '--why', 'enough')).exitCode).toBe(0);
    const ended = await until(id, ({ state }) => state === 'Cancelled');
    expect(ended).toMatchObject({ cancelled: { why: 'enough' }, isComplete: false });
    const again = await backfill('pause', id, '--why', 'too late');
    expect(again.stderr).toContain('has ended');
  });

  it('goes on where it was when its worker is killed', async () => {
    put(2_000, 'many');
    const id = await start('--rate', '400');
    await until(id, ({ found }) => found > 200);
    await cluster.killWorkers();
    await cluster.startWorkers();
    const ended = await until(id, ({ state }) => state === 'Completed');
    expect(ended.found).toBe(ended.published + ended.duplicates);
    // A call whose worker was killed before it recorded the response is made again, under the same key.
    await eventually(() => new Set(firedOf('many')).size === 2_000);
  }, 180_000);

  it.each<[string, string[], number, RegExp]>([
    ['no reason', ['start', '--source', 'scenes', ...RANGE], 2, /--why/],
    ['no beginning', ['start', '--source', 'scenes', '--why', 'x'], 2, /--from/],
    ['several events', ['start', '--source', 'scenes', ...RANGE, '--why', 'x'], 2, /announced, others/],
    ['an event of another kind', ['start', '--source', 'scenes', '--event', 'items', ...RANGE, '--why', 'x'], 2, /no event items of kind stac/], // prettier-ignore
    ['a source of another kind', ['start', '--source', 'without', ...RANGE, '--why', 'x'], 2, /no event of kind stac/],
    ['an unknown source', ['start', '--source', 'nobody', ...RANGE, '--why', 'x'], 1, /OBJECT_UNKNOWN/],
    ['times in the wrong order', ['start', '--source', 'scenes', '--from', '2026-02-01T00:00:00Z', '--to', '2026-01-01T00:00:00Z', '--why', 'x'], 2, /after --to/], // prettier-ignore
    ['a rate of nothing', ['start', '--source', 'scenes', ...RANGE, '--rate', '0', '--why', 'x'], 2, /above 0/],
    ['an unknown back-fill', ['status', 'backfill/a/b/c'], 2, /Unknown back-fill/],
    ['an id of something else', ['pause', 'sensor/a/b', '--why', 'x'], 2, /Unknown back-fill/],
  ])('reports %s', async (_what, argv, exitCode, message) => {
    const run = await backfill(...argv);
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode, stdout: '' });
    expect(run.stderr).toMatch(message);
  });
});
