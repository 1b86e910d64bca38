import { startNats, type RunningNats } from '../../dev/servers';
import type { Story } from '../../src/control/explain/story';
import type { DecisionRecord } from '../../src/records/decision-record';
import { eventually } from '../setup/eventually';
import { startClusterAtWork, type ClusterAtWork } from './cluster-at-work';
import { jsonOf } from './run-cli-for-test';

/** Fires that nobody lets through hold up what comes behind them. */
const BUSY = 503;

describe('sluice explain, for waiting events', () => {
  let cluster: ClusterAtWork;
  let elsewhere: RunningNats;

  beforeAll(async () => {
    [cluster, elsewhere] = await Promise.all([startClusterAtWork(), startNats({ own: true })]);
    cluster.receiver.answerWith(BUSY, '/busy');
    await cluster.apply(cluster.busDocument, manifests());
  });
  afterAll(async () => {
    await cluster?.stop();
    await elsewhere?.stop();
  });

  const add = async (stream: string, fields: Record<string, string>): Promise<string> =>
    `stac/${stream.toLowerCase()}:${stream}:${await cluster.add(stream, fields)}`;
  const run = (...words: readonly string[]) => cluster.sluice([...words, '-n', cluster.namespace.name]);
  const explain = async (id: string): Promise<Story> => jsonOf<Story>(await run('explain', id, '-o', 'json'));
  const until = (id: string, isTold: (story: Story) => boolean): Promise<Story> =>
    eventually(async () => {
      const story = await explain(id);
      return isTold(story) && story;
    });

  it('reports that an event is collected with others', async () => {
    await add('BATCHED', { n: '1' });
    const key = await add('BATCHED', { n: '2' });
    const { timeline } = await until(key, ({ verdict }) => verdict.state === 'joined');
    expect(timeline.at(-1)).toMatchObject({ what: 'collected', triggers: ['note'] });
    await until(key, ({ verdict }) => verdict.summary.includes('collects it for trigger note, 2 so far'));
  });

  it('reports that an event is queued, and the fire that delays it', async () => {
    const first = await add('LIMITED', { n: '1' });
    const trying = await until(first, ({ verdict }) => /attempt [2-9]/.test(verdict.summary));
    expect(trying.verdict).toMatchObject({ state: 'firing', summary: expect.stringContaining('503') as string });
    const second = await add('LIMITED', { n: '2' });
    const { timeline } = await until(second, ({ verdict }) => verdict.state === 'joined');
    expect(timeline.at(-1)).toMatchObject({
      what: 'queued',
      text: expect.stringContaining('behind 0 others') as string,
    });
  });

  it('reports who has the places of a concurrency group, also in the status of the sensor that waits', async () => {
    const first = await add('GROUPED', { n: '1' });
    await until(first, ({ verdict }) => /attempt [2-9]/.test(verdict.summary));
    const second = await add('GROUPED', { n: '2' });
    await until(second, ({ verdict }) =>
      verdict.summary.includes('concurrency group gpu: 1 of 1 places are in use (grouped has 1)'),
    );
    const { exitCode, stdout } = await run('status', 'sensor/grouped');
    expect(stdout).toMatch(/group gpu: 1 of 1 in use/i);
    expect(stdout).toContain(
      'limits of concurrency group gpu differ: differing says 2, grouped says 1; the smallest, 1, applies',
    );
    expect(exitCode).toBe(1);
  });

  it('reports that a fire waits for the rate limit of its trigger, and how long', async () => {
    const keys = [await add('RATED', { n: '1' }), await add('RATED', { n: '2' })];
    const summaries = await eventually(async () => {
      const stories = await Promise.all(keys.map(explain));
      const texts = stories.map(({ verdict }) => verdict.summary);
      return texts.some((text) => text.includes('rate limit of note, until 2')) && texts;
    });
    expect(summaries.filter((text) => text.includes('rate limit'))).toHaveLength(1);
  });

  it('reports the partner that an event waits for, although another pair has it', async () => {
    const left = await add('LEFT', { pair: '1' });
    const right = await add('RIGHT', { pair: '2' });
    const waitsFor = async (key: string, dependency: string) =>
      await until(key, ({ timeline }) => timeline.at(-1)?.waitingFor?.join() === dependency);
    expect((await waitsFor(left, 'right')).verdict.summary).toContain('waits for right');
    await waitsFor(right, 'left');
  });

  it('names the failed script, although another dependency fired', async () => {
    const key = await add('SCRIPTED', { n: '1' });
    const { verdict } = await until(
      key,
      ({ verdict: { summary, state } }) => state === 'error' && /succeeded/.test(summary),
    );
    expect(verdict).toMatchObject({
      state: 'error',
      sensors: [{ next: expect.stringContaining('sluice replay') as string }],
    });
    expect(verdict.summary).toMatch(/dependency broken \(filters\.script: EXPRESSION_FAILED/);
  });

  it('reports that an event arrived twice', async () => {
    const key = 'stac/named:S2B';
    await cluster.add('NAMED', { id: 'S2B' });
    await until(key, ({ verdict }) => verdict.state === 'succeeded');
    await cluster.add('NAMED', { id: 'S2B' });
    const { verdict, timeline } = await until(key, (story) => story.timeline.some(({ what }) => what === 'duplicate'));
    expect(verdict.state).toBe('succeeded');
    expect(timeline.filter(({ what }) => what === 'published')).toHaveLength(1);
  });

  it('omits sensors of the same event source on another bus', async () => {
    const key = await add('BATCHED', { n: '3' });
    const { verdict } = await until(key, ({ verdict: { state } }) => state === 'joined');
    expect(verdict.sensors.map(({ sensor }) => sensor)).toEqual([`${cluster.namespace.name}/batched`]);
  });

  it('reports for an unknown event that its source is paused', async () => {
    await cluster.sluice(['pause', 'source', 'stac', '--why', 'maintenance', '--by', 'ada']);
    await eventually(async () => {
      const { exitCode, stderr } = await run('explain', 'stac/batched:BATCHED:0-1');
      return exitCode === 1 && /paused since .* by "ada" \(unverified\): maintenance/.test(stderr);
    });
    await cluster.sluice(['resume', 'source', 'stac', '--why', 'over']);
  });

  it('does not call an event unknown if a bus cannot be read', async () => {
    const dead = await cluster.manifest(
      'dead.yaml',
      `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: dead }
spec: { jetstreamExotic: { url: 'nats://127.0.0.1:9' } }
`,
    );
    await cluster.sluice(['apply', '-f', dead]);
    try {
      const nothing = await run('explain', 'nobody/knows:it', '-o', 'json');
      expect([nothing.exitCode, nothing.stdout]).toEqual([3, expect.stringMatching(/dead cannot be read/) as string]);
      const events = await run('events', '--sensor', 'scripted', '-o', 'json');
      expect(events.exitCode).toBe(3);
      const { decisions, problems } = jsonOf<{ decisions: DecisionRecord[]; problems: string[] }>(events);
      expect(decisions.map(({ decision }) => decision).sort()).toEqual(['failed', 'fired']);
      expect(problems.join()).toContain('dead');
    } finally {
      await cluster.sluice(['delete', '-f', dead]);
    }
  });

  const manifests = () => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: elsewhere }
spec: { jetstreamExotic: { url: '${elsewhere.url}' } }
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac, annotations: { sluice.io/id-from: values.id } }
spec:
  redisStream:
${['BATCHED', 'GROUPED', 'LIMITED', 'RATED', 'LEFT', 'RIGHT', 'SCRIPTED', 'NAMED']
  .map((stream) => `    ${stream.toLowerCase()}: ${cluster.streamSpec(stream)}\n`)
  .join('')}---
${sensor('batched', 'sluice.io/batch-size: "9"', [dependency('batched')], [trigger('note', 'log: {}')])}---
${sensor(
  'limited',
  'sluice.io/concurrency: "1"',
  [dependency('limited')],
  [
    trigger(
      'post',
      `http: { url: '${cluster.receiver.url}/busy', method: POST, payload: [{ src: { dependencyName: limited, dataKey: values.n }, dest: number }] }`,
      ', retryStrategy: { steps: 1000, duration: 1s }',
    ),
  ],
)}---
${sensor(
  'grouped',
  'sluice.io/concurrency-group: gpu=1',
  [dependency('grouped')],
  [
    trigger(
      'post',
      `http: { url: '${cluster.receiver.url}/busy', method: POST, payload: [{ src: { dependencyName: grouped, dataKey: values.n }, dest: number }] }`,
      ', retryStrategy: { steps: 1000, duration: 1s }',
    ),
  ],
)}---
${sensor('differing', 'sluice.io/concurrency-group: gpu=2', [dependency('right')], [trigger('note', 'log: {}')])}---
${sensor('rated', '', [dependency('rated')], [trigger('note', 'log: {}', ', rateLimit: { unit: Hour, requestsPerUnit: 1 }')])}---
${sensor(
  'paired',
  'sluice.io/correlate-by: values.pair',
  [dependency('left'), dependency('right')],
  [trigger('pair', 'log: {}')],
)}---
${sensor(
  'scripted',
  '',
  [dependency('scripted'), dependency('scripted', 'broken', ", filters: { script: 'return event.nothing.at.all' }")],
  [trigger('note', 'conditions: scripted, log: {}'), trigger('other', 'conditions: broken, log: {}')],
)}---
${sensor('named', '', [dependency('named')], [trigger('note', 'log: {}')])}---
${sensor('other', '', [dependency('batched')], [trigger('note', 'log: {}')], 'elsewhere')}`;
});

function dependency(event: string, name = event, more = ''): string {
  return `{ name: ${name}, eventSourceName: stac, eventName: ${event}${more} }`;
}

function trigger(name: string, template: string, more = ''): string {
  return `{ template: { name: ${name}, ${template} }${more} }`;
}

function sensor(
  name: string,
  annotations: string,
  dependencies: readonly string[],
  triggers: readonly string[],
  bus = 'default',
): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: ${name}, annotations: { ${annotations} } }
spec:
  eventBusName: ${bus}
  dependencies: [${dependencies.join(', ')}]
  triggers: [${triggers.join(', ')}]
`;
}
