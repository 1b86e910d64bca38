import { Client, Connection } from '@temporalio/client';
import { startTemporal } from '../../dev/servers';
import type { Story } from '../../src/control/explain/story';
import type { DecisionRecord } from '../../src/records/decision-record';
import { shortEventId } from '../../src/event/short-id';
import { eventually } from '../setup/eventually';
import { startClusterAtWork, type ClusterAtWork } from './cluster-at-work';
import { jsonOf } from './run-cli-for-test';

describe('sluice explain and events', () => {
  let cluster: ClusterAtWork;

  beforeAll(async () => {
    cluster = await startClusterAtWork();
    await cluster.apply(cluster.busDocument, manifests());
  });
  afterAll(() => cluster?.stop());

  const manifests = () => `${cluster.sourceDocument({ items: 'ITEMS', spare: 'SPARE' })}---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies:
    - name: item
      eventSourceName: stac
      eventName: items
      filters: { data: [{ path: values.sky, type: string, value: [clear] }] }
  triggers:
    - template:
        name: post
        http:
          url: ${cluster.receiver.url}/
          method: POST
          payload: [{ src: { dependencyName: item, dataKey: values.href }, dest: href }]
`;
  /** Answers the event's key. */
  const add = async (stream: string, fields: Record<string, string>): Promise<string> =>
    `stac/${stream.toLowerCase()}:${stream}:${await cluster.add(stream, fields)}`;
  const run = (...words: readonly string[]) => cluster.sluice([...words, '-n', cluster.namespace.name]);
  const explain = async (id: string): Promise<Story> => jsonOf<Story>(await run('explain', id, '-o', 'json'));
  const until = (id: string, state: string, patience?: { timeoutMs: number }): Promise<Story> =>
    eventually(async () => {
      const story = await explain(id);
      return story.verdict.state === state && story;
    }, patience);
  const decisions = async (...words: readonly string[]): Promise<readonly DecisionRecord[]> =>
    jsonOf<{ decisions: readonly DecisionRecord[] }>(await run('events', '-o', 'json', ...words)).decisions;

  it('shows the timeline by key, short id, entry id or any part of the data', async () => {
    const key = await add('ITEMS', { sky: 'clear', href: 'https://stac.example/S2B_10TFK' });
    await until(key, 'succeeded');
    for (const id of [key, shortEventId(key), key.split(':').at(-1) ?? '', 'S2B_10TFK']) {
      const { exitCode, stdout } = await run('explain', id);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/SUCCEEDED {2}Sensor[^]*received[^]*published[^]*fired/);
      expect(stdout).toContain(shortEventId(key));
    }
  });

  it('lists decisions, by decision and event', async () => {
    const cloudy = await add('ITEMS', { sky: 'cloudy', href: 'a' });
    await until(cloudy, 'filtered');
    const [record] = await decisions('--sensor', 'scenes', '--decision', 'filtered', '--event', cloudy);
    expect(record).toMatchObject({ decision: 'filtered', eventKey: cloudy, dependency: 'item' });
    expect(record?.reason).toContain('cloudy');
    const all = await decisions('--sensor', 'scenes');
    expect(new Set(all.map(({ decision }) => decision))).toEqual(new Set(['fired', 'filtered']));
    expect(all.map(({ at }) => Date.parse(at))).toEqual([...all.map(({ at }) => Date.parse(at))].sort((a, b) => a - b));
    expect((await decisions('--sensor', 'scenes', '--limit', '1')).map(({ eventKey }) => eventKey)).toEqual([cloudy]);
    expect(await decisions('--sensor', 'nobody')).toEqual([]);
    expect((await run('events', '--sensor', 'scenes')).stdout).toContain('filters.data');
  });

  it('shows the actions of operators on a run, and their results', async () => {
    cluster.receiver.answerWith(400);
    const key = await add('ITEMS', { sky: 'clear', href: 'b' });
    const parked = await until(key, 'parked');
    const runId = parked.timeline.find(({ stage }) => stage === 'run')?.runId ?? '';
    cluster.receiver.answerWith(200);
    await cluster.sluice(['retrigger', runId, '--why', 'receiver repaired', '--by', 'ada']);
    const story = await until(key, 'succeeded');
    expect(story.timeline).toContainEqual(
      expect.objectContaining({ what: 'retriggered', by: 'ada', why: 'receiver repaired' }),
    );
    await cluster.sluice(['retrigger', runId, '--again', '--why', 'once more', '--by', 'ada']);
    const twice = await eventually(async () => {
      const { timeline } = await explain(key);
      const starts = timeline.filter(({ stage, what }) => stage === 'run' && what === 'started');
      return starts.length === 2 && starts;
    });
    expect(twice.at(-1)).toMatchObject({ by: 'ada', why: 'once more' });
  });

  it('shows unmatched events, and events pending for a paused sensor', async () => {
    const spare = await add('SPARE', { href: 'c' });
    expect((await until(spare, 'unmatched')).verdict.summary).toContain('dependency');
    await cluster.sluice(['pause', 'sensor', 'scenes', '--why', 'maintenance']);
    // A pause takes hold when the listener has stopped.
    await eventually(async () => {
      const probe = await add('ITEMS', { sky: 'clear', href: 'd' });
      const story = await eventually(async () => {
        const found = await explain(probe).catch(() => undefined);
        return found?.verdict.state !== undefined && found;
      });
      return story.verdict.state === 'pending' && story.verdict.summary.includes('maintenance');
    });
    await cluster.sluice(['resume', 'sensor', 'scenes', '--why', 'maintenance is over']);
  });

  it('lists the facts that are no longer available', async () => {
    const key = await add('ITEMS', { sky: 'clear', href: 'e' });
    const story = await until(key, 'succeeded');
    const { runId = '' } = story.timeline.find(({ stage }) => stage === 'run') ?? {};
    const temporal = await startTemporal();
    const connection = await Connection.connect({ address: temporal.address });
    try {
      const { workflowService } = new Client({ connection });
      await workflowService.deleteWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: runId },
      });
    } finally {
      await connection.close();
      await temporal.stop();
    }
    const forgotten = await until(key, 'fired');
    expect(forgotten.unknown.join(' ')).toContain(runId);
  });

  it('exits with 1 for an unknown event, and lists the candidates if several match', async () => {
    const unknown = await run('explain', 'stac/items:ITEMS:0-1', '-o', 'json');
    expect([unknown.exitCode, jsonOf(unknown)]).toEqual([1, expect.objectContaining({ event: null, timeline: [] })]);
    const several = await run('explain', 'items:ITEMS', '-o', 'json');
    expect(several.exitCode).toBe(1);
    expect(jsonOf<{ candidates: unknown[] }>(several).candidates.length).toBeGreaterThan(2);
  });
});
