import type { EventFacts, FireFacts, RunFacts, SensorFacts } from '../../src/control/explain/facts';
import { describeStory } from '../../src/cli/printing/print-story';
import type { SensorVerdict, Story } from '../../src/control/explain/story';
import { timelineOf } from '../../src/control/explain/timeline';
import { verdictOf } from '../../src/control/explain/verdict';
import type { DecisionRecord } from '../../src/records/decision-record';
import { parseSensor } from '../../src/validation/parse-manifest';

const KEY = 'stac/items:S:1-0';
const BUS = { namespace: 'argo', name: 'default', spec: { jetstreamExotic: { url: 'nats://bus:4222' } } };
const PUBLISHED = '2026-01-02T03:04:05.000Z';
const NOW = new Date('2026-01-02T04:00:00.000Z');

/** Of an event that lies on the bus at position 7. */
function facts(more: Partial<EventFacts> = {}): EventFacts {
  return {
    ...{ key: KEY, shortId: '7q3mfk2x9abc', id: 'items:S:1-0', source: 'stac', subject: 'items' },
    positions: [{ bus: 'argo/default', subject: 'default.stac.items', sequence: 7, publishedAt: PUBLISHED }],
    ...{ decisions: [], runs: [], sensors: [], unasked: [], unknown: [], now: NOW, ...more },
  };
}

function record(decision: DecisionRecord['decision'], more: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    at: '2026-01-02T03:04:06.000Z',
    ...{ eventKey: KEY, eventId: 'items:S:1-0', source: 'stac', subject: 'items', sequence: 7 },
    ...{ namespace: 'argo', sensor: 'scenes', decision, ...more },
  };
}

function sensor(more: Partial<SensorFacts> = {}, annotations: Record<string, string> = {}): SensorFacts {
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'scenes', namespace: 'argo', annotations },
    spec: {
      dependencies: [{ name: 'item', eventSourceName: 'stac', eventName: 'items' }],
      triggers: [{ template: { name: 'post', log: {} } }],
    },
  });
  return {
    definition: { namespace: 'argo', name: 'scenes', spec: object.spec, options, bus: BUS },
    status: {
      ...{ namespace: 'argo', name: 'scenes', appliedAt: '2026-01-01T00:00:00.000Z', triggers: [] },
      counts: { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 },
    },
    places: [],
    position: { handledTo: 9, deliveredTo: 9, waiting: 0 },
    ...more,
  };
}

function fire(state: FireFacts['state'], more: Partial<FireFacts> = {}): FireFacts {
  return { id: 'f1', trigger: 'post', events: [KEY], state, attempts: 1, isAnnounced: false, ...more };
}

function run(fires: RunFacts['fires'], more: Partial<RunFacts> = {}): RunFacts {
  return {
    ...{ id: 'run/argo/scenes/1', sensor: 'argo/scenes', state: 'Firing', triggers: ['post'], events: [] },
    ...{ startedAt: '2026-01-02T03:04:06.010Z', fires, acts: [], activities: [], ...more },
  };
}

function only(all: EventFacts): SensorVerdict {
  const [verdict, ...others] = verdictOf(all).sensors;
  if (verdict === undefined || others.length > 0) throw new Error(`expected one verdict: ${JSON.stringify(others)}`);
  return verdict;
}

describe('an event that expired before a sensor handled it', () => {
  const lost = {
    ...{ fromSequence: 5, toSequence: 9, least: 3, most: 3, cause: 'age' as const },
    ...{ fromTime: PUBLISHED, toTime: '2026-01-02T03:30:00.000Z' },
  };
  const losing = sensor({ expired: [lost] });
  const byAnother = record('fired', { sensor: 'others', triggers: ['post'], runId: 'run/argo/others/1' });

  it('is EXPIRED for the sensor that missed its position, which another sensor knows', () => {
    const story = verdictOf(facts({ sensors: [losing], decisions: [byAnother], positions: [] }));
    const [worst] = story.sensors;
    expect(worst).toMatchObject({ sensor: 'argo/scenes', state: 'expired' });
    expect(worst?.summary).toContain('3 events (positions 5 to 9');
    expect(worst?.next).toContain('sluice.io/retention: until-handled');
  });

  it('is not EXPIRED at another position, nor if the sensor handled it', () => {
    const elsewhere = { ...byAnother, sequence: 4 };
    expect(verdictOf(facts({ sensors: [losing], decisions: [elsewhere], positions: [] })).state).not.toBe('expired');
    const filtered = record('filtered', { dependency: 'item' });
    expect(only(facts({ sensors: [losing], decisions: [filtered], positions: [] })).state).toBe('filtered');
  });

  it('may be among the expired ones if its position is unknown', () => {
    const { state, summary } = only(facts({ sensors: [losing], positions: [] }));
    expect(state).toBe('unknown');
    expect(summary).toContain('it may be among those that it lost: 3 events');
  });
});

describe('the verdict on an event', () => {
  it('says why there is no item to filter, if the event source could not fetch it', () => {
    const reason = 'the event goes on without the item that it links to: GET https://stac.example/a: HTTP 410';
    const missing = { sensor: undefined, eventSource: 'stac', clause: 'sluice.io/hydrate', reason };
    const filtered = {
      dependency: 'item',
      clause: 'sluice.io/stac-cloud-cover',
      reason: 'the event holds no STAC item',
    };
    const decisions = [record('failed', { code: 'EVENT_LINK_UNREADABLE', ...missing }), record('filtered', filtered)];
    const all = facts({ decisions, sensors: [sensor()] });
    expect(only(all).state).toBe('filtered');
    expect(verdictOf(all).summary).toContain(`Event source argo/stac: ${reason}.`);
    const [entry] = timelineOf(all).filter(({ stage }) => stage === 'source');
    expect(entry?.text).toBe(`by event source argo/stac: clause sluice.io/hydrate; EVENT_LINK_UNREADABLE; ${reason}`);
  });

  it('names the clause of every dependency that rejected it, and how to test a change', () => {
    const decisions = [
      record('filtered', { dependency: 'clear', clause: 'filters.data[0]', reason: 'values.sky is "cloudy"' }),
      record('filtered', { dependency: 'failing', clause: 'filters.data[0]', reason: 'values.sky is no "failing"' }),
    ];
    const { state, summary, next } = only(facts({ decisions, sensors: [sensor()] }));
    expect(state).toBe('filtered');
    expect(summary).toMatch(/clear.*"cloudy".*failing.*no "failing"/);
    expect(next).toContain('sluice replay --sensor argo/scenes --seq 7 --why');
  });

  it('reports that one dependency could not be evaluated even if another succeeded', () => {
    const decisions = [
      record('failed', { dependency: 'other', clause: 'filters.script', code: 'EXPRESSION_FAILED', reason: 'nil' }),
      record('fired', { triggers: ['post'], runId: 'run/argo/scenes/1' }),
    ];
    const { state, summary } = only(facts({ decisions, runs: [run([fire('Succeeded')])] }));
    expect(state).toBe('error');
    expect(summary).toMatch(
      /fired trigger post, which succeeded.*could not evaluate it: dependency other \(filters.script/,
    );
  });

  it('reports success after a replay', () => {
    const decisions = [record('failed', { dependency: 'item', code: 'EXPRESSION_FAILED', reason: 'nil' })];
    const origin = { runId: 'replay/argo/scenes/1', by: 'ada', why: 'mended' };
    const runs = [run([fire('Succeeded')], { origin, startedAt: '2026-01-02T03:30:00.000Z' })];
    expect(only(facts({ decisions, runs })).state).toBe('succeeded');
  });

  it('reports one trigger that fired and another that still waits', () => {
    const places: SensorFacts['places'] = [{ trigger: 'pair', kind: 'held', dependency: 'item', waitingFor: 'other' }];
    const { state, summary } = only(
      facts({ runs: [run([fire('Succeeded')])], sensors: [sensor({ places })], decisions: [record('joined')] }),
    );
    expect(state).toBe('joined');
    expect(summary).toMatch(/fired trigger post.*holds it.*trigger pair, which waits for other/);
  });

  it.each<[string, SensorFacts['places'][number], RegExp]>([
    [
      'is collected with others',
      { trigger: 'post', kind: 'collected', dependency: 'item', collected: 3, dueAt: Date.parse(PUBLISHED) },
      /collects it for trigger post, 3 so far, to be fired at 2026-01-02T03:04:05.000Z/,
    ],
    [
      'is queued',
      { trigger: 'post', kind: 'queued', dependency: 'item', ahead: 2 },
      /queues it for trigger post, behind 2 others/,
    ],
  ])('reports that the sensor holds an event that %s', (_, place, expected) => {
    const all = facts({
      sensors: [sensor({ places: [place] })],
      decisions: [record('joined', { dependency: 'item' })],
    });
    const { state, summary } = only(all);
    expect(state).toBe('joined');
    expect(summary).toMatch(expected);
    expect(timelineOf(all).at(-1)).toMatchObject({ what: place.kind, triggers: ['post'], sensor: 'argo/scenes' });
  });

  it('reports an event as pending only while it is ahead of the sensor on the bus', () => {
    const waiting = sensor({ position: { handledTo: 5, deliveredTo: 5, waiting: 3 } });
    expect(only(facts({ sensors: [waiting] }))).toMatchObject({
      state: 'pending',
      summary: expect.stringContaining('3 events wait') as string,
    });
    const inHand = sensor({ position: { handledTo: 5, deliveredTo: 8, waiting: 3 } });
    expect(only(facts({ sensors: [inHand] })).summary).toContain('has received it');
    const passed = only(facts({ sensors: [sensor()] }));
    expect(passed).toMatchObject({
      state: 'unknown',
      summary: expect.stringContaining('is past its position') as string,
    });
    expect(passed.next).toContain('sluice replay');
    const silent = only(facts({ sensors: [sensor({}, { 'sluice.io/decisions': 'off' })] }));
    expect(silent.summary).toContain('it keeps no decisions (sluice.io/decisions)');
    expect(only(facts({ sensors: [sensor()], positions: [] })).state).toBe('unknown');
  });

  it('shows who paused the sensor of a pending event, and how to resume it', () => {
    const { status } = sensor();
    const paused = { by: 'ada', why: 'maintenance', since: '2026-01-02T03:00:00.000Z' };
    const waiting = { handledTo: 5, deliveredTo: 5, waiting: 3 };
    const verdict = only(facts({ sensors: [sensor({ status: { ...status, paused }, position: waiting })] }));
    expect(verdict.summary).toMatch(
      /paused since 2026-01-02T03:00:00.000Z by "ada" \(unverified\): maintenance.*waits on the bus/,
    );
    expect(verdict.next).toBe('sluice resume sensor scenes -n argo --why TEXT');
    // It had come further before it was paused.
    expect(only(facts({ sensors: [sensor({ status: { ...status, paused } })] })).state).toBe('unknown');
  });

  it('explains that a sensor applied after the event starts with new ones', () => {
    const { status } = sensor();
    const late = { ...status, appliedAt: '2026-01-02T03:10:00.000Z' };
    const verdict = only(facts({ sensors: [sensor({ status: late })] }));
    expect(verdict).toMatchObject({ state: 'unmatched', next: expect.stringContaining('--seq 7') as string });
  });

  it('does not report an event as unmatched while a sensor cannot be queried', () => {
    expect(verdictOf(facts()).state).toBe('unmatched');
    const { state, summary } = verdictOf(facts({ unasked: ['sensor argo/scenes'] }));
    expect([state, summary]).toEqual(['unknown', expect.stringContaining('no worker answers for sensor argo/scenes')]);
  });

  it('reports that a terminated run was ended from outside', () => {
    const ended = { state: 'terminated', endedAt: '2026-01-02T03:20:00.000Z' };
    const { state, summary } = only(facts({ runs: [run([fire('Retrying')], ended)] }));
    expect([state, summary]).toEqual(['failed', expect.stringContaining('ended from outside (terminated)')]);
  });

  it('reports the cause of the delay of a fire in flight', () => {
    const underWay = 'rate limit of post, until 2026-01-02T04:01:00.000Z';
    const verdict = only(facts({ runs: [run([fire('Firing', { underWay })])] }));
    expect(verdict).toMatchObject({ state: 'firing', summary: expect.stringContaining(underWay) as string });
  });

  it.each(['Succeeded', 'Failed'])(
    'reports the outcome of a Workflow that was continued after its run: %s',
    (phase) => {
      const ended = run([fire('Failed')], { state: 'Failed', endedAt: '2026-01-02T03:05:00.000Z' });
      const earlier = record('fired', {
        runId: ended.id,
        triggers: ['post'],
        outcome: { fireId: 'f1', phase: 'Error' },
      });
      const later = record('fired', { runId: ended.id, triggers: ['post'], outcome: { fireId: 'f1', phase } });
      const { state, summary, next } = only(facts({ runs: [ended], decisions: [earlier, later] }));
      expect(state).toBe(phase.toLowerCase());
      expect(summary).toContain(`was continued after the run had ended, and is ${phase} now`);
      expect(next === undefined).toBe(phase === 'Succeeded');
    },
  );

  it('gives advice for a parked fire', () => {
    const failure = { code: 'TRIGGER_REFUSED', message: '400', fix: 'Repair the receiver.', retryable: false } as const;
    const { next } = only(facts({ runs: [run([fire('Parked', { failure })], { state: 'Parked' })] }));
    expect(next).toMatch(/^Repair the receiver\. .*sluice retrigger run\/argo\/scenes\/1 --why.*sluice runs discard/);
  });

  it('shows that an event arrived twice, without effect on the verdict', () => {
    const again = record('duplicate', { sensor: undefined, eventSource: 'stac', reason: 'redelivered' });
    const all = facts({
      decisions: [again, record('fired', { triggers: ['post'], runId: 'r' })],
      runs: [run([fire('Succeeded')])],
    });
    expect(only(all).state).toBe('succeeded');
    expect(timelineOf(all)).toContainEqual(expect.objectContaining({ stage: 'source', what: 'duplicate' }));
    expect(verdictOf(facts({ decisions: [again], positions: [] })).state).not.toBe('rejected');
  });

  it('reports that an event published twice fired once', () => {
    const [first] = facts().positions;
    if (first === undefined) throw new Error('the event lies on the bus');
    const runId = 'run/argo/scenes/1';
    const twice = facts({
      positions: [first, { ...first, sequence: 9, publishedAt: '2026-01-02T03:30:00.000Z' }],
      decisions: [
        record('fired', { triggers: ['post'], runId }),
        record('duplicate', {
          at: '2026-01-02T03:30:01.000Z',
          sequence: 9,
          triggers: ['post'],
          runId,
          reason: 'the event was published again',
        }),
      ],
      runs: [run([fire('Succeeded')])],
    });
    const { state, summary, sensors } = verdictOf(twice);
    expect([state, sensors.length]).toEqual(['succeeded', 1]);
    expect(summary).toContain('It was published twice and fired once');
    expect(timelineOf(twice).filter(({ what }) => what === 'fired' || what === 'duplicate')).toMatchObject([
      { stage: 'sensor', what: 'fired' },
      { stage: 'trigger', what: 'fired' },
      { stage: 'sensor', what: 'duplicate', runId },
    ]);
  });

  it('shows the event that announced an outcome, and the sensors that reacted', () => {
    const reaction = {
      id: 'run/argo/next/1',
      sensor: 'argo/next',
      state: 'Succeeded',
      triggers: [],
      events: [],
      startedAt: PUBLISHED,
    };
    const announcement = { event: 'sluice-outcomes/scenes:f1:Succeeded:', reactions: [reaction] };
    const outcome = { fireId: 'f1', phase: 'Succeeded', message: '', outputs: {} } as const;
    const timeline = timelineOf(facts({ runs: [run([fire('Succeeded', { outcome, announcement })])] }));
    expect(
      timeline
        .filter(({ stage }) => stage === 'outcome')
        .map(({ what }) => what)
        .sort(),
    ).toEqual([...['announced', 'reacted', 'succeeded']]);
  });
});

describe('explain at a terminal', () => {
  const all = facts({
    decisions: [
      record('filtered', {
        dependency: 'clear',
        clause: 'filters.data[0]',
        reason: 'is \u001b[2J"cloudy", wanted string = "clear"',
      }),
    ],
    sensors: [sensor()],
  });
  const story: Story = {
    event: { ...all },
    timeline: timelineOf(all),
    verdict: verdictOf(all),
    unknown: ['Not known.'],
  };
  const plain = (_: unknown, text: string): string => text;

  it('shows first why the event did not trigger and what to do, then the timeline', () => {
    const text = describeStory(story, plain).join('\n');
    expect(text).toMatch(
      /^stac\/items[^]*FILTERED {2}Sensor argo\/scenes[^]*What to do: [^]*UTC\n[^]*published[^]*filtered[^]*Not known/,
    );
  });

  it('fits into 80 columns', () => {
    const lines = describeStory(story, plain, 80).join('\n').split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('escapes control characters of an event', () => {
    expect(describeStory(story, plain).join('\n')).not.toContain('\u001b');
  });
});
