/** A hundred events of every fate, and what `sluice explain` says of each. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { SluiceCommand } from '../../dev/demo/command';
import { createApiClient } from '../../dev/kubernetes/api-client';
import { generateStacItems } from '../../dev/stac-items';
import { startSystem, type OwnSystem } from '../../dev/system';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import type { DecisionRecord } from '../../src/records/decision-record';
import type { Story } from '../../src/control/explain/story';
import { eventually } from '../setup/eventually';
import { startHttpRecorder, type HttpRecorder } from '../setup/http-recorder';

const NAMESPACE = 'hundred';
const FEW_AT_ONCE = 4;

describe('sluice explain', () => {
  let system: OwnSystem;
  let worker: RunningWorker;
  let sluice: SluiceCommand;
  let redis: Redis;
  let folder: string;
  let receiver: HttpRecorder;

  beforeAll(async () => {
    system = await startSystem({ own: true, temporalUi: false, workflowDurationMs: 300 });
    redis = new Redis(system.redis.url);
    receiver = await startHttpRecorder();
    receiver.answerWith(400, '/refused');
    const { url, caPath, adminToken: token } = system.kubernetes;
    const api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
    await api.expect('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    api.close();
    sluice = new SluiceCommand(system.environment);
    worker = await startWorker('all-in-one', system.environment);
    folder = await mkdtemp(join(tmpdir(), 'sluice-explain-'));
    const file = join(folder, 'all.yaml');
    await writeFile(file, manifests(system, receiver.url));
    await sluice.json('apply', '-f', file, '-n', NAMESPACE, '--wait', '30s');
  }, 120_000);

  afterAll(async () => {
    redis?.disconnect();
    await receiver?.close();
    await worker?.stop();
    await system?.stop();
    if (folder) await rm(folder, { recursive: true });
  }, 60_000);

  /** Answers the event's key. The stream has the name of the event in capitals. */
  const add = async (stream: string, fields: Record<string, string>): Promise<string> =>
    `mixed/${stream.toLowerCase()}:${stream}:${await redis.xadd(stream, '*', ...Object.entries(fields).flat())}`;
  const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => make(index)));
  const explain = async (id: string): Promise<Story> => (await sluice.json('explain', id, '-n', NAMESPACE)) as Story;
  const explainSettled = (id: string): Promise<Story> =>
    eventually(async () => {
      const story = await explain(id);
      const isAnswered = story.unknown.length === 0;
      return isAnswered && !['pending', 'firing', 'waiting'].includes(story.verdict.state) && story;
    });
  const storiesOf = async (ids: readonly string[]): Promise<Story[]> => {
    const stories: Story[] = [];
    for (let from = 0; from < ids.length; from += FEW_AT_ONCE) {
      stories.push(...(await Promise.all(ids.slice(from, from + FEW_AT_ONCE).map(explainSettled))));
    }
    return stories;
  };
  const whats = ({ timeline }: Story): string[] => timeline.map(({ stage, what }) => `${stage} ${what}`);
  const only = (story: Story, stage: string) => story.timeline.find((entry) => entry.stage === stage);
  const decisionsOf = async (...words: readonly string[]): Promise<DecisionRecord[]> =>
    ((await sluice.json('events', '-n', NAMESPACE, '--limit', '1000', ...words)) as { decisions: DecisionRecord[] })
      .decisions;

  it('shows the correct verdict and timeline of each of a hundred mixed events', async () => {
    const clear = await times(30, (index) => add('ITEMS', { sky: 'clear', href: `clear-${index}` }));
    const cloudy = await times(20, (index) => add('ITEMS', { sky: 'cloudy', href: `cloudy-${index}` }));
    const failing = await times(10, (index) => add('ITEMS', { sky: 'failing', href: `failing-${index}` }));
    const noise = await times(8, () => add('FILTERED', { kind: 'noise' }));
    const left = await times(9, (index) => add('LEFT', { pair: `${index}` }));
    const right = await times(5, (index) => add('RIGHT', { pair: `${index}` }));
    await times(8, (index) => redis.publish('announcements', `no JSON ${index}`));
    const scenes = generateStacItems().slice(0, 5);
    for (const scene of [...scenes, ...scenes]) await redis.publish('announcements', JSON.stringify(scene));
    // 30 + 20 + 10 + 8 + 9 + 5 + 8 + 10 = 100

    // 30 clear, 10 failing, 5 pairs of 2, 5 scenes
    await eventually(
      async () =>
        new Set((await decisionsOf('--sensor', 'mixed', '--decision', 'fired')).map(({ eventKey }) => eventKey))
          .size === 55,
      { timeoutMs: 60_000 },
    );

    for (const story of await storiesOf(clear)) {
      expect(story.unknown).toEqual([]);
      expect(story.verdict).toMatchObject({ state: 'succeeded', sensors: [{ sensor: `${NAMESPACE}/mixed` }] });
      // Its run may carry a parked fire of another event, and then has not ended; its outcome is announced in time.
      const later = ['run succeeded', 'outcome announced', 'outcome reacted'];
      expect(
        whats(story)
          .filter((what) => !later.includes(what))
          .sort(),
      ).toEqual([
        ...['bus published', 'outcome succeeded', 'run started', 'sensor filtered', 'sensor fired'],
        ...['source received', 'trigger fired'],
      ]);
      expect(only(story, 'trigger')?.object).toMatch(new RegExp(`^Workflow/${NAMESPACE}/scene-`));
    }
    for (const story of await storiesOf(cloudy)) {
      expect(story.verdict.state).toBe('filtered');
      expect(story.verdict.summary).toContain('cloudy');
      expect(story.timeline.filter(({ what }) => what === 'filtered')).toHaveLength(2);
      expect(only(story, 'sensor')?.clause).toContain('filters.data');
    }
    for (const story of await storiesOf(failing)) {
      expect(story.verdict.state).toBe('parked');
      expect(only(story, 'trigger')).toMatchObject({ what: 'parked', code: 'TRIGGER_REFUSED', triggers: ['post'] });
    }
    for (const story of await storiesOf(noise)) {
      expect(story.verdict.state).toBe('filtered');
      expect(whats(story)).toEqual(['source filtered']);
      expect(only(story, 'source')?.clause).toBe('filter.expression');
    }
    const partners = 5;
    for (const story of await storiesOf([...left.slice(0, partners), ...right])) {
      expect(story.verdict.state).toBe('succeeded');
      expect(whats(story)).toEqual(expect.arrayContaining(['sensor joined', 'sensor fired', 'trigger fired']));
      expect(only(story, 'trigger')?.triggers).toEqual(['pair']);
    }
    for (const story of await storiesOf(left.slice(partners))) {
      expect(story.verdict.state).toBe('joined');
      expect(story.timeline.at(-1)).toMatchObject({ what: 'held', dependency: 'left', waitingFor: ['right'] });
    }
    const rejected = await decisionsOf('--source', 'mixed', '--decision', 'rejected');
    expect(rejected).toHaveLength(8);
    for (const story of await storiesOf(rejected.map(({ eventKey }) => eventKey))) {
      expect(story.verdict.state).toBe('rejected');
      expect(only(story, 'source')).toMatchObject({ what: 'rejected', code: 'EVENT_UNDECODABLE' });
    }
    // Published twice, on the bus once: found by the id of the STAC item.
    for (const story of await storiesOf(scenes.map(({ id }) => id))) {
      expect(story.verdict.state).toBe('succeeded');
      expect(whats(story).filter((what) => what === 'bus published')).toHaveLength(1);
      expect(whats(story).filter((what) => what === 'run started')).toHaveLength(1);
      expect(whats(story).filter((what) => what === 'source duplicate')).toHaveLength(1);
    }
  }, 240_000);

  it('sends the outcome of each Workflow to a second sensor and to a Redis stream while other fires are parked', async () => {
    const outcomes = await eventually(() => {
      const requests = receiver.requests('/outcomes');
      return requests.length >= 30 && requests.map(({ body }) => body);
    });
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['Succeeded']));
    const told = outcomes.flatMap(({ events }) => events);
    const first = told.find((event) => typeof event === 'string') ?? '';
    const reacted = await eventually(async () => {
      const { timeline } = await explain(first);
      return timeline.find(({ what }) => what === 'reacted');
    });
    expect(reacted).toMatchObject({
      sensor: `${NAMESPACE}/chained`,
      event: expect.stringMatching(/^sluice-outcomes\/mixed:/) as string,
    });
    expect((await explain(reacted.event ?? '')).verdict.sensors).toMatchObject([{ sensor: `${NAMESPACE}/chained` }]);
    const stream = await redis.xrange('WATERBODIES', '-', '+');
    const hrefs = stream.map(([, fields]) => fields[fields.indexOf('href') + 1]).sort();
    expect(hrefs).toEqual(Array.from({ length: 30 }, (_, index) => `clear-${index}`).sort());
    expect(told.sort()).toEqual([...new Set(told)].sort());
    expect(told).toHaveLength(30);
    expect(await redis.exists('WATERBODIESFAILURE')).toBe(0);
  });

  it('offers a choice where several events match, and knows nothing of others', async () => {
    await expect(sluice.json('explain', 'items:ITEMS', '-n', NAMESPACE)).rejects.toThrow(/ended with 1.*events match/s);
    await expect(sluice.json('explain', 'nobody/knows:it', '-n', NAMESPACE)).rejects.toThrow(/ended with 1/);
  }, 60_000);
});

function manifests({ redis }: OwnSystem, receiverUrl: string): string {
  const server = `hostAddress: '${redis.host}:${redis.port}'`;
  const stream = (name: string) => `{ ${server}, consumerGroup: g, streams: [${name}] }`;
  return `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstreamExotic: { url: 'nats://bus:4222', streamConfig: 'replicas: 1' } }
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: mixed }
spec:
  redisStream:
    items: ${stream('ITEMS')}
    left: ${stream('LEFT')}
    right: ${stream('RIGHT')}
    filtered: { ${server}, consumerGroup: g, streams: [FILTERED], filter: { expression: 'values.kind != "noise"' } }
  redis:
    announced: { ${server}, channels: [announcements], jsonBody: true }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata:
  name: mixed
  annotations: { sluice.io/correlate-by: values.pair, sluice.io/outcome-redis: '${redis.host}:${redis.port}' }
spec:
  dependencies:
    - name: clear
      eventSourceName: mixed
      eventName: items
      filters: { data: [{ path: values.sky, type: string, value: [clear] }] }
    - name: failing
      eventSourceName: mixed
      eventName: items
      filters: { data: [{ path: values.sky, type: string, value: [failing] }] }
    - { name: left, eventSourceName: mixed, eventName: left }
    - { name: right, eventSourceName: mixed, eventName: right }
    - { name: announced, eventSourceName: mixed, eventName: announced }
  triggers:
    - template:
        name: detect
        conditions: clear
        k8s:
          operation: create
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: Workflow
              metadata: { generateName: scene- }
              spec: { entrypoint: main, templates: [{ name: main, container: { image: none } }] }
    - template:
        name: post
        conditions: failing
        http: { url: '${receiverUrl}/refused', method: POST, payload: [{ src: { dependencyName: failing, dataKey: values.href }, dest: href }] }
    - template: { name: pair, conditions: left && right, log: {} }
    - template: { name: note, conditions: announced, log: {} }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: chained }
spec:
  dependencies: [{ name: outcome, eventSourceName: sluice-outcomes, eventName: mixed }]
  triggers:
    - template:
        name: tell
        http:
          url: ${receiverUrl}/outcomes
          method: POST
          payload:
            - { src: { dependencyName: outcome, dataKey: events, useRawData: true }, dest: events }
            - { src: { dependencyName: outcome, dataKey: workflow_status }, dest: status }
`;
}
