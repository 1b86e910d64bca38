import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import type { Mismatch } from '../../src/rehearsal/partial-match';
import type { Rehearsal } from '../../src/rehearsal/rehearsal';
import { jsonOf, runSluice, type CliRun } from './run-cli-for-test';

interface Answer extends Rehearsal {
  readonly passed: boolean;
  readonly mismatches?: readonly Mismatch[];
}

interface SensorParts {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly dependencies?: readonly unknown[];
  readonly triggers?: readonly unknown[];
}

const dependency = (name: string, more: object = {}) => ({ name, eventSourceName: 'stac', eventName: name, ...more });
const event = (subject: string, id: string, more: object = {}) => ({
  ...{ specversion: '1.0', id, source: 'stac', subject, type: 'redis', time: '2026-01-02T03:04:05Z' },
  ...{ data: { scene: id } },
  ...more,
});
const fromData = (dest: string, dependencyName = 'a') => ({ src: { dependencyName, dataKey: 'scene' }, dest });
const post = (more: object = {}) => ({
  http: { url: 'http://receiver.example/', payload: [fromData('scene')], ...more },
});
const trigger = (name: string, kind: object = post(), more: object = {}) => ({ template: { name, ...more, ...kind } });
const submit = (source: object) => ({
  argoWorkflow: { operation: 'submit', source, parameters: [fromData('spec.arguments.parameters.0.value')] },
});
const WORKFLOW = {
  ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { generateName: 'scene-' } },
  spec: { workflowTemplateRef: { name: 'scene' }, arguments: { parameters: [{ name: 'scene' }] } },
};

describe('sluice test', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-test-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function write(name: string, value: unknown): Promise<string> {
    const file = path.join(folder, name);
    await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  }

  async function writeSensor({ annotations, dependencies, triggers }: SensorParts = {}): Promise<string> {
    return await write('sensor.yaml', {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Sensor',
      metadata: { name: 'scenes', ...(annotations && { annotations }) },
      spec: { dependencies: dependencies ?? [dependency('a')], triggers: triggers ?? [trigger('notify')] },
    });
  }

  async function run(sensor: SensorParts, events: unknown, ...more: readonly string[]): Promise<CliRun> {
    const files = [await writeSensor(sensor), await write('events.json', events)] as const;
    return await runSluice(['test', '-f', files[0], '--event', files[1], ...more]);
  }

  async function answerOf(sensor: SensorParts, events: unknown, ...more: readonly string[]): Promise<Answer> {
    return jsonOf<Answer>(await run(sensor, events, ...more, '-o', 'json'));
  }

  it('shows the result of the transform and of each filter with its reason', async () => {
    const filters = {
      data: [
        { path: 'scene', type: 'string', value: ['x'] },
        { path: 'cloud', type: 'number', comparator: '<', value: ['50'] },
      ],
    };
    const { events } = await answerOf(
      { dependencies: [dependency('a', { transform: { jq: '. + {cloud: 97}' }, filters })] },
      event('a', 'x'),
    );
    expect(events).toMatchObject([
      {
        dependencies: [
          {
            dependency: 'a',
            outcome: 'filtered',
            clause: 'filters.data[1]',
            transform: { outcome: 'changed', data: { scene: 'x', cloud: 97 } },
            clauses: [
              { clause: 'filters.data[0]', outcome: 'passed' },
              { clause: 'filters.data[1]', outcome: 'refused' },
            ],
          },
        ],
        fires: [],
      },
    ]);
  });

  it('shows the exact object with a stable name', async () => {
    const sensor = { triggers: [trigger('detect', submit({ resource: WORKFLOW }))] };
    const first = await answerOf(sensor, event('a', 'x'));
    expect(first.events[0]?.fires).toMatchObject([
      {
        outcome: 'sends',
        kind: 'argoWorkflow',
        sends: {
          operation: 'submit',
          object: {
            metadata: { name: expect.stringMatching(/^scene-[a-z2-7]{12}$/) as string },
            spec: { arguments: { parameters: [{ name: 'scene', value: 'x' }] } },
          },
        },
      },
    ]);
    expect(await answerOf(sensor, event('a', 'x'))).toEqual(first);
  });

  it('rejects names and labels that the API server would reject', async () => {
    const named = (dest: string) => ({
      ...submit({ resource: WORKFLOW }).argoWorkflow,
      parameters: [{ src: { dependencyName: 'a', dataTemplate: 'x{{ .Input.scene }}-' }, dest }],
    });
    const triggers = [
      trigger('name', { argoWorkflow: named('metadata.generateName') }),
      trigger('label', { argoWorkflow: named('metadata.labels.scene') }),
    ];
    const file = await writeSensor({ triggers });
    const events = await write('events.json', [event('a', 'S2A T10')]);
    const run = await runSluice(['test', '-f', file, '--event', events, '-o', 'json']);
    const { events: told } = jsonOf<Answer>(run);
    expect(told[0]?.fires.map((fire) => (fire.outcome === 'fails' ? fire.problem.message : fire.outcome))).toEqual([
      expect.stringContaining('metadata.name: not a legal Kubernetes name: "xS2A T10-'),
      expect.stringContaining('metadata.labels.scene: not a legal label value: "xS2A T10-"'),
    ]);
  });

  it('shows the warnings about its manifests', async () => {
    const file = await writeSensor({
      triggers: [trigger('notify', post({ timeout: 5 }), {})],
      dependencies: [dependency('a', { filters: { data: [{ path: '$.scene', type: 'string', value: ['.'] }] } })],
    });
    const events = await write('events.json', [event('a', 'one')]);
    const { stderr } = await runSluice(['test', '-f', file, '--event', events]);
    expect(stderr).toContain('spec.dependencies[0].filters.data[0].path: finds nothing');
  });

  it('applies parameters of the template before those of the resource', async () => {
    const templateParameters = [
      { src: { dependencyName: 'a', value: 'other' }, dest: 'argoWorkflow.source.resource.metadata.generateName' },
      {
        src: { dependencyName: 'a', value: 'early' },
        dest: 'argoWorkflow.source.resource.spec.arguments.parameters.0.value',
      },
    ];
    const detect = { ...trigger('detect', submit({ resource: WORKFLOW })), parameters: templateParameters };
    const { events } = await answerOf({ triggers: [detect] }, event('a', 'x'));
    expect(events[0]?.fires).toMatchObject([
      {
        sends: {
          object: { metadata: { generateName: 'other' }, spec: { arguments: { parameters: [{ value: 'x' }] } } },
        },
      },
    ]);
  });

  it('shows secrets as the selectors that name them', async () => {
    const basicAuth = { username: { name: 'login', key: 'user' }, password: { name: 'login', key: 'password' } };
    const { events } = await answerOf({ triggers: [trigger('notify', post({ basicAuth }))] }, event('a', 'x'));
    expect(events[0]?.fires).toMatchObject([
      { sends: { headers: { Authorization: 'Basic <secret login/user>:<secret login/password>' } } },
    ]);
  });

  it('joins events in the given order, and shows the triggers that still wait', async () => {
    const sensor = {
      dependencies: [dependency('a'), dependency('b')],
      triggers: [
        trigger('both', post(), { conditions: 'a && b' }),
        trigger('either', post(), { conditions: 'a || b' }),
      ],
    };
    const { events, triggers } = await answerOf(sensor, [event('a', '1'), event('b', '2'), event('a', '3')]);
    expect(events.map(({ fires }) => fires.map((fire) => fire.trigger))).toEqual([
      ['either'],
      ['either', 'both'],
      ['either'],
    ]);
    expect(events[1]?.fires[1]?.events).toEqual({ a: ['stac/1'], b: ['stac/2'] });
    expect(events[0]?.notes).toMatchObject([{ decision: 'joined', triggers: ['both'], reason: 'waiting for b' }]);
    expect(triggers).toMatchObject([{ trigger: 'both', fires: 1, holds: ['a (stac/3)'], waitingFor: ['b'] }, {}]);
  });

  it('has a place in a concurrency group for every fire', async () => {
    const annotations = { 'sluice.io/concurrency-group': 'gpu=1', 'sluice.io/concurrency': '1' };
    const { events } = await answerOf(
      { annotations },
      ['1', '2'].map((id) => event('a', id)),
    );
    expect(events.map(({ fires }) => fires.length)).toEqual([1, 1]);
  });

  it('advances the clock after the last event with --wait', async () => {
    const sensor = { annotations: { 'sluice.io/debounce': '10s' } };
    const events = [event('a', '1'), event('a', '2')];
    expect(await answerOf(sensor, events)).toMatchObject({ triggers: [{ fires: 0, collected: 2 }] });
    const { afterwards } = await answerOf(sensor, events, '--wait', '1m');
    expect(afterwards.fires).toMatchObject([{ trigger: 'notify', events: { a: ['stac/1', 'stac/2'] } }]);
  });

  it.each<[string, object]>([
    ['url', { url: { path: 'https://example.com/workflow.yaml' } }],
    ['configmap', { configmap: { name: 'workflows', key: 'scene' } }],
  ])('contacts no server: an object from %s is unresolved unless it is given', async (_kind, source) => {
    const sensor = { triggers: [trigger('detect', submit(source))] };
    const without = await answerOf(sensor, event('a', 'x'));
    expect(without).toMatchObject({ passed: true, events: [{ fires: [{ outcome: 'unresolved' }] }] });
    const given = await answerOf(sensor, event('a', 'x'), '--resource', `detect=${await write('w.json', WORKFLOW)}`);
    expect(given.events[0]?.fires).toMatchObject([{ sends: { object: { kind: 'Workflow' } } }]);
  });

  it('reports a trigger that would be parked', async () => {
    const payload = [{ src: { dependencyName: 'a', dataKey: 'missing' }, dest: 'x' }];
    const result = await run({ triggers: [trigger('notify', post({ payload }))] }, event('a', 'x'), '-o', 'json');
    expect(result.exitCode).toBe(1);
    expect(jsonOf<Answer>(result).events[0]?.fires).toMatchObject([
      { outcome: 'fails', problem: { code: 'SENSOR_PARAMETER_UNRESOLVED' } },
    ]);
  });

  describe('dead letters', () => {
    const missing = [{ src: { dependencyName: 'a', dataKey: 'missing' }, dest: 'x' }];
    const broken = post({ payload: missing });
    const withDeadLetter = (kind: object, deadLetter: object = post({ url: 'http://dead.example/' })) => ({
      triggers: [{ ...trigger('notify', kind), dlqTrigger: trigger('lost', deadLetter) }],
    });

    it('are sent for a trigger that cannot be built, and are shown', async () => {
      const result = await run(withDeadLetter(broken), event('a', 'x'));
      expect(result.exitCode).toBe(1);
      expect(result.stdout).toContain('trigger notify fires and its dead letter is sent: ');
      expect(result.stdout).toContain('dead letter lost, http would send');
      expect(result.stdout).toContain('url: http://dead.example/');
      expect(result.stdout).not.toContain('parked');
      const { events } = await answerOf(withDeadLetter(broken), event('a', 'x'));
      const [fire] = events[0]?.fires ?? [];
      expect(fire).toMatchObject({
        ...{ outcome: 'fails', problem: { code: 'SENSOR_PARAMETER_UNRESOLVED' } },
        deadLetter: { trigger: 'lost', kind: 'http', outcome: 'sends', sends: { body: '{"scene":"x"}' } },
      });
      expect(fire?.deadLetter?.fireId).toBe(`${fire?.fireId}-dlq`);
    });

    it('that cannot be built leave the fire parked', async () => {
      const { stdout } = await run(withDeadLetter(broken, broken), event('a', 'x'));
      expect(stdout).toContain('trigger notify fires and would be parked: ');
      expect(stdout).toContain('dead letter lost cannot be built: ');
    });

    it('are kept for a trigger that can be built, unless they cannot be built themselves', async () => {
      const fine = await run(withDeadLetter(post()), event('a', 'x'));
      expect(fine.exitCode).toBe(0);
      expect(fine.stdout).toContain('if it fails permanently: dead letter lost, http');
      const unfit = await run(withDeadLetter(post(), broken), event('a', 'x'));
      expect(unfit.exitCode).toBe(1);
      expect(unfit.stdout).toContain('dead letter lost cannot be built: ');
    });

    it('may need an object from elsewhere', async () => {
      const sensor = withDeadLetter(broken, submit({ url: { path: 'https://files.example/w.yaml' } }));
      const object = await write('w.json', WORKFLOW);
      const { events } = await answerOf(sensor, event('a', 'x'), '--resource', `lost=${object}`);
      expect(events[0]?.fires).toMatchObject([{ deadLetter: { sends: { object: { kind: 'Workflow' } } } }]);
    });

    it('can be expected', async () => {
      const expected = (url: string) =>
        write('expected.json', {
          fires: [
            {
              ...{ trigger: 'notify', problem: 'SENSOR_PARAMETER_UNRESOLVED' },
              deadLetter: { trigger: 'lost', sends: { url } },
            },
          ],
        });
      const matching = await answerOf(
        withDeadLetter(broken),
        event('a', 'x'),
        '--expect',
        await expected('http://dead.example/'),
      );
      expect(matching.passed).toBe(true);
      const other = await answerOf(withDeadLetter(broken), event('a', 'x'), '--expect', await expected('http://b/'));
      expect(other.mismatches).toEqual([
        { path: 'fires[0].deadLetter.sends.url', expected: 'http://b/', found: 'http://dead.example/' },
      ]);
      const none = await answerOf(
        { triggers: [trigger('notify', broken)] },
        event('a', 'x'),
        '--expect',
        await expected('http://b/'),
      );
      expect(none.mismatches).toEqual([{ path: 'fires[0].deadLetter', expected: 'lost' }]);
    });
  });

  it.each<[string, (depth: number) => string]>([
    ['JSON', (depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`],
    ['YAML', (depth) => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`],
  ])('rejects %s nested beyond the limit, with a code', async (_what, text) => {
    for (const depth of [1_100, 6_000]) {
      const deep = await write('deep', text(depth));
      const shallow = await write('shallow.json', { scene: 'x' });
      const sensor = await writeSensor({ triggers: [trigger('detect', submit({ resource: WORKFLOW }))] });
      const common = ['test', '-f', sensor, '--event'];
      for (const argv of [
        [...common, deep],
        [...common, shallow, '--expect', deep],
        [...common, shallow, '--resource', `detect=${deep}`],
      ]) {
        const { exitCode, stderr } = await runSluice(argv);
        expect({ exitCode, stderr }).toEqual({
          exitCode: 1,
          stderr: expect.stringMatching(/nested .* levels deep.*\[MANIFEST_UNREADABLE\]\n$/) as string,
        });
      }
    }
  });

  describe('events', () => {
    it.each<[string, unknown]>([
      ['a CloudEvent with data', event('a', 'x')],
      [
        'a CloudEvent with data in base64',
        { ...event('a', 'x', { data: undefined }), data_base64: 'eyJzY2VuZSI6IngifQ==' },
      ],
      [
        'an event as Argo Events passes it to triggers',
        { context: event('a', 'x', { data: undefined }), data: 'eyJzY2VuZSI6IngifQ==' },
      ],
      ['bare data', { scene: 'x' }],
      ['bare data in YAML', 'scene: x'],
      ['one document per line', `${JSON.stringify(event('a', 'x'))}\n${JSON.stringify(event('b', 'y'))}\n`],
      ['a list', [event('a', 'x'), event('b', 'y')]],
    ])('are read as %s', async (_what, events) => {
      expect((await answerOf({}, events)).events[0]?.fires).toMatchObject([{ sends: { body: '{"scene":"x"}' } }]);
    });

    it('are read from standard input', async () => {
      const result = await runSluice(['test', '-f', await writeSensor(), '--event', '-', '-o', 'name'], {
        stdin: '{"scene":"x"}',
      });
      expect(result).toMatchObject({ exitCode: 0, stdout: 'notify\n' });
    });

    it('need an event name if the sensor listens to several', async () => {
      const sensor = { dependencies: [dependency('a'), dependency('b')] };
      expect((await run(sensor, { scene: 'x' })).exitCode).toBe(2);
      const { events } = await answerOf(sensor, { scene: 'x' }, '--event-name', 'b');
      expect(events).toMatchObject([{ source: 'stac', subject: 'b' }]);
    });

    it('that match no dependency are reported', async () => {
      expect((await answerOf({}, event('other', 'x'))).events).toMatchObject([{ dependencies: [], fires: [] }]);
    });

    it('are matched by source and subject alone', async () => {
      const odd = event('a', 'x', { type: 'webhook', datacontenttype: 'text/plain', extra: 'b' });
      expect((await answerOf({}, odd)).events).toMatchObject([{ dependencies: [{}], fires: [{}] }]);
      const others = event('a', 'x', { source: 'other' });
      expect((await answerOf({}, others)).events).toMatchObject([{ dependencies: [], fires: [] }]);
    });
  });

  describe('--expect', () => {
    async function expectOf(expectation: unknown): Promise<CliRun> {
      const sensor = {
        dependencies: [dependency('a', { filters: { data: [{ path: 'scene', type: 'string', value: ['x'] }] } })],
        triggers: [trigger('detect', submit({ resource: WORKFLOW }))],
      };
      const file = await write('expected.yaml', expectation);
      return await run(sensor, [event('a', 'x'), event('a', 'y')], '--expect', file, '-o', 'json');
    }
    const value = (text: string) => ({ spec: { arguments: { parameters: [{ value: text }] } } });

    it('accepts partial expectations', async () => {
      const result = await expectOf({
        fires: [{ trigger: 'detect', event: 'x', object: { kind: 'Workflow', ...value('x') } }],
        decisions: [
          { event: 1, dependency: 'a', outcome: 'matched' },
          { event: 'y', dependency: 'a', outcome: 'filtered', clause: 'filters.data[0]', reason: '"y"' },
        ],
        parked: [],
      });
      expect(jsonOf<Answer>(result)).toMatchObject({ passed: true, mismatches: [] });
      expect(result.exitCode).toBe(0);
    });

    it.each<[string, unknown, readonly string[]]>([
      [
        'another value',
        { fires: [{ trigger: 'detect', object: value('z') }] },
        ['fires[0].object.spec.arguments.parameters[0].value'],
      ],
      [
        'a list of another length',
        { fires: [{ trigger: 'detect', object: { spec: { arguments: { parameters: [] } } } }] },
        ['fires[0].object.spec.arguments.parameters'],
      ],
      ['a missing fire', { fires: [{ trigger: 'detect' }, { trigger: 'detect' }] }, ['fires[1]']],
      ['an unexpected fire', { fires: [] }, ['fires']],
      ['a fire of another event', { fires: [{ trigger: 'detect', event: 2 }] }, ['fires[0].event']],
      [
        'another outcome',
        { decisions: [{ event: 'y', dependency: 'a', outcome: 'matched' }] },
        ['decisions[0].outcome'],
      ],
      [
        'an unknown event',
        { decisions: [{ event: 'w', dependency: 'a', outcome: 'matched' }] },
        ['decisions[0].event'],
      ],
      ['an unexpected waiting trigger', { waiting: [{ trigger: 'detect', for: ['b'] }] }, ['waiting[0].for']],
    ])('reports %s as a difference, and exits with 1', async (_what, expectation, paths) => {
      const result = await expectOf(expectation);
      expect(result.exitCode).toBe(1);
      expect(jsonOf<Answer>(result).mismatches?.map(({ path: where }) => where)).toEqual(paths);
    });

    it('rejects an unknown field', async () => {
      const result = await expectOf({ fire: [] });
      expect(result).toMatchObject({ exitCode: 1, stdout: '' });
      expect(result.stderr).toContain('MANIFEST_INVALID');
    });

    it('passes for the example', async () => {
      const example = (file: string) => path.join(repoRoot, 'examples', file);
      const result = await runSluice([
        ...['test', '-f', example('water-bodies'), '--event', example('water-bodies-test/events.yaml')],
        ...['--expect', example('water-bodies-test/expected.yaml')],
      ]);
      expect(result.stdout).toContain('✓ as expected');
      expect(result.exitCode).toBe(0);
    });
  });

  it.each<[string, readonly string[], number]>([
    ['an unknown sensor', ['--sensor', 'other'], 2],
    ['a resource for an unknown trigger', ['--resource', 'other=file'], 2],
    ['a missing event file', ['--event', '/nowhere.json'], 1],
  ])('reports %s', async (_what, more, exitCode) => {
    expect((await run({}, event('a', 'x'), ...more)).exitCode).toBe(exitCode);
  });
});
