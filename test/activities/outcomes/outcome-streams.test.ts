/** Outcomes of Argo Workflows as entries of Redis streams, on a real Redis. */
import Redis from 'ioredis';
import { startRedis, type RunningRedis } from '../../../dev/servers';
import { entryOf, OutcomeStreams } from '../../../activities/outcomes/outcome-streams';
import type { PublishOutcomesRequest } from '../../../src/contract/activities';
import type { JsonValue } from '../../../src/event/json';
import { createSecretReader } from '../../../src/kubernetes/secret-readers';
import { eventually } from '../../setup/eventually';
import type { FireStatus, WorkflowOutcomeReport } from '../../../src/contract/fires';
import { cloudEvent } from '../../setup/cloud-event';

const HREF = 'https://stac.example/items/scene-1';

describe('outcomes on Redis streams', () => {
  let redis: RunningRedis;
  let client: Redis;
  const streams = new OutcomeStreams(createSecretReader({ env: {} }));

  beforeAll(async () => {
    redis = await startRedis({ own: true });
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    streams.close();
    client?.disconnect();
    await redis?.stop();
  });
  beforeEach(() => client.flushall());

  const event = (data: JsonValue) =>
    cloudEvent({ id: 'items:1-0', subject: 'items', time: '2026-01-02T03:04:05Z', data });
  const fire = (phase: WorkflowOutcomeReport['phase'], outputs: Record<string, string> = {}): FireStatus => ({
    id: 'fire-1',
    trigger: 'detect',
    events: ['stac/items:1-0'],
    state: phase === 'Succeeded' ? 'Succeeded' : 'Failed',
    attempts: 1,
    object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'argo', name: 'scene-1', uid: 'uid-1' },
    outcome: { fireId: 'fire-1', phase, message: '', outputs },
  });
  const request = (options: Partial<PublishOutcomesRequest['options']> = {}): PublishOutcomesRequest => ({
    sensor: { namespace: 'argo', name: 'scenes' },
    bus: { namespace: 'argo', name: 'default', spec: {} },
    runId: 'run/argo/scenes/stac:items:1-0',
    options: { parkForMs: 1, followOutcome: true, outcomeRedis: `${redis.host}:${redis.port}`, ...options },
    events: [event({ stream: 'STREAM', values: { subject: 'a scene', producer: 'me', href: HREF } })],
    fires: [],
  });
  const entries = async (stream: string): Promise<Array<Record<string, string>>> =>
    (await client.xrange(stream, '-', '+')).map(([, fields]) =>
      Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? '']] : []))),
    );

  it.each(['stac-catalog', 'stac_catalog'])(
    'have the fields of the water-bodies system and the output %s',
    async (name) => {
      await streams.add(request(), [fire('Succeeded', { [name]: 's3://results/catalog.json' })]);
      expect(await entries('WATERBODIES')).toEqual([
        {
          subject: 'a scene',
          workflow_id: 'uid-1',
          workflow_name: 'scene-1',
          workflow_status: 'Succeeded',
          href: HREF,
          stac_catalog: 's3://results/catalog.json',
        },
      ]);
      expect(await entries('WATERBODIESFAILURE')).toEqual([]);
    },
  );

  it.each(['Failed', 'Error', 'Deleted', 'Unknown'] as const)('put %s on the stream of failures', async (phase) => {
    await streams.add(request(), [fire(phase)]);
    const [entry, ...others] = await entries('WATERBODIESFAILURE');
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ workflow_status: phase, workflow_name: 'scene-1' });
    expect(entry).not.toHaveProperty('stac_catalog');
    expect(await entries('WATERBODIES')).toEqual([]);
  });

  it('are added once, however often the activity is retried', async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) await streams.add(request(), [fire('Succeeded')]);
    expect(await entries('WATERBODIES')).toHaveLength(1);
    const [dedupKey = ''] = (await client.keys('sluice:*')).sort();
    expect(await client.ttl(dedupKey)).toBeGreaterThan(0);
  });

  it('are added once the obstacle to the entry is gone', async () => {
    await client.set('WATERBODIES', 'not a stream');
    await expect(streams.add(request(), [fire('Succeeded')])).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('WRONGTYPE') as string,
    });
    await client.del('WATERBODIES');
    await eventually(async () => {
      await streams.add(request(), [fire('Succeeded')]);
      return (await entries('WATERBODIES')).length === 1;
    });
    await streams.add(request(), [fire('Succeeded')]);
    expect(await entries('WATERBODIES')).toHaveLength(1);
  });

  it('go only to the streams that the sensor names', async () => {
    const named = request({ outcomeStreams: { success: 'DONE' } });
    await streams.add(named, [fire('Succeeded'), { ...fire('Failed'), id: 'fire-2' }]);
    expect(await entries('DONE')).toHaveLength(1);
    expect((await client.keys('*')).filter((key) => !key.startsWith('sluice:'))).toEqual(['DONE']);
  });

  it('are not written for sensors without the annotation', async () => {
    await streams.add(request({ outcomeRedis: undefined }), [fire('Succeeded')]);
    expect(await client.keys('*')).toEqual([]);
  });

  it('name the address of a Redis that does not answer', async () => {
    await expect(streams.add(request({ outcomeRedis: '127.0.0.1:1' }), [fire('Succeeded')])).rejects.toMatchObject({
      code: 'TRIGGER_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('127.0.0.1:1') as string,
    });
  });

  it.each<[string, JsonValue, { subject: string; href: string }]>([
    ['the flat form on a stream', { values: { subject: 's', href: HREF } }, { subject: 's', href: HREF }],
    ['the flat form on a channel', { body: { href: HREF } }, { subject: HREF, href: HREF }],
    ['a list of one link, as a transform produces it', { values: { href: [HREF] } }, { subject: HREF, href: HREF }],
    [
      'a whole item',
      { body: { type: 'Feature', stac_version: '1.0.0', id: 'scene-1', links: [{ rel: 'self', href: HREF }] } },
      { subject: HREF, href: HREF },
    ],
    ['data without any link', { body: { text: 'hello' } }, { subject: 'stac/items:1-0', href: '' }],
  ])('find the scene in %s', (_what, data, expected) => {
    const entry = entryOf(fire('Succeeded'), [event(data)], { success: 'DONE' });
    expect(entry?.fields).toMatchObject(expected);
  });
});
