import { goneCondition, withRelayReports, sensorCondition, sourceCondition } from '../../src/control/status/condition';
import { judgeReader, type Reader } from '../../src/control/status/readers';
import type { PendingActivity } from '../../src/control/pending-activities';
import type { EventSourceStatus } from '../../src/contract/event-source-messages';
import type { SensorStatus } from '../../src/contract/sensor-messages';

const NOW = Date.parse('2026-01-31T06:00:00Z');
const before = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

const activity = (fields: Partial<PendingActivity>): PendingActivity => ({
  id: '1',
  type: 'sluiceRelayEvents',
  state: 'started',
  attempt: 1,
  scheduledAt: before(60),
  startedAt: before(60),
  lastHeartbeatAt: before(1),
  heartbeat: { event: 'items', connected: true },
  ...fields,
});

describe('a reader', () => {
  it.each<[string, Partial<PendingActivity>, Partial<Reader>]>([
    ['is ready if it has just reported that it reads', {}, { state: 'Ready' }],
    [
      'is ready and reports the settings it cannot honour',
      { heartbeat: { connected: true, problem: '3 messages were dropped' } },
      { state: 'Ready', reason: '3 messages were dropped' },
    ],
    [
      'is not ready when it reports a problem instead',
      { heartbeat: { connected: false, problem: 'redis:6379 refuses the password' } },
      { state: 'NotReady', reason: 'redis:6379 refuses the password' },
    ],
    [
      'is not ready if it reads and the event bus accepts nothing',
      { heartbeat: { connected: true, busProblem: 'the stream accepts no events' } },
      { state: 'NotReady', reason: 'the event bus cannot be used now: the stream accepts no events' },
    ],
    [
      'is ready if it listens, although the event bus accepts nothing',
      { type: 'sluiceListen', heartbeat: { connected: true, busProblem: 'the stream accepts no events' } },
      { state: 'Ready' },
    ],
    ['is connecting when it has reported that it does not read yet', { heartbeat: { connected: false } }, connecting()],
    ['is connecting before its first report', { lastHeartbeatAt: undefined, heartbeat: undefined }, connecting()],
    ['is connecting if the report is older than its start', { startedAt: before(0.5) }, connecting()],
    [
      'is not ready while its last attempt failed and this one does not read',
      { attempt: 3, lastFailure: 'WRONGTYPE', heartbeat: { connected: false } },
      { state: 'NotReady', reason: 'WRONGTYPE' },
    ],
    ['is ready again after a failure', { attempt: 3, lastFailure: 'WRONGTYPE' }, { state: 'Ready' }],
    [
      'is stale when its last report is old',
      { lastHeartbeatAt: before(180), startedAt: before(400) },
      { state: 'Stale', reason: 'its last report is 3m0s old' },
    ],
    [
      'is ready without a recent report while its worker gives signs of life',
      { lastHeartbeatAt: before(100), startedAt: before(400), workerSeenAt: before(8) },
      { state: 'Ready' },
    ],
    [
      'is stale when its worker has given no sign of life',
      { lastHeartbeatAt: before(100), startedAt: before(400), workerSeenAt: before(26) },
      { state: 'Stale', reason: 'its last report is 26s old' },
    ],
    [
      'is not ready while its next attempt waits',
      { state: 'scheduled', attempt: 2, lastFailure: 'activity Heartbeat timeout' },
      { state: 'NotReady', reason: 'activity Heartbeat timeout' },
    ],
    ['is connecting while a worker is about to start it', { state: 'scheduled', scheduledAt: before(2) }, connecting()],
    [
      'is not ready if no worker accepts it',
      { state: 'scheduled' },
      { state: 'NotReady', reason: expect.stringMatching(/no worker has capacity.*1m0s/) as string },
    ],
    ['is not ready when it is paused in Temporal', { state: 'paused' }, { state: 'NotReady' }],
    ['is connecting while it is handed over', { state: 'stopping' }, connecting()],
    ['is not ready if another version reports nothing', { heartbeat: 'position 7' }, connecting()],
  ])('%s', (_what, fields, expected) => {
    const defined = Object.fromEntries(
      Object.entries({ ...activity({}), ...fields }).filter(([, value]) => value !== undefined),
    ) as unknown as PendingActivity;
    expect(judgeReader(defined, NOW)).toMatchObject(expected);
  });
});

function connecting(): Partial<Reader> {
  return { state: 'Connecting' };
}

describe('a source', () => {
  const status = (...states: ReadonlyArray<EventSourceStatus['events'][number]['state']>): EventSourceStatus => ({
    namespace: 'argo',
    name: 'stac',
    appliedAt: before(60),
    events: states.map((state, index) => ({ name: `event-${index}`, kind: 'redis', state })),
  });
  const relay = (event: string, fields: object): PendingActivity => activity({ heartbeat: { event, ...fields } });
  const judge = (source: EventSourceStatus, ...activities: readonly PendingActivity[]) =>
    sourceCondition(source, withRelayReports(source.events, activities, NOW));

  it('is ready only when every event is read', () => {
    const one = relay('event-0', { connected: true });
    expect(judge(status('Reading'), one)).toEqual({ state: 'Ready' });
    const other = relay('event-1', { connected: false, problem: 'connection refused' });
    expect(judge(status('Reading', 'Reading'), one, other)).toEqual({
      state: 'NotReady',
      reason: 'event-1: connection refused',
    });
    expect(judge(status('Reading', 'Reading'), one)).toMatchObject({ state: 'Connecting' });
  });

  it('is not ready if no worker has ever read it', () => {
    expect(judge(status('Reading'))).toMatchObject({ state: 'Connecting' });
  });

  it('ranks failed first, and paused before reports of its readers', () => {
    const failed = relay('event-0', { connected: false });
    expect(judge(status('Reading', 'Failed'), failed)).toMatchObject({ state: 'Failed' });
    expect(judge({ ...status('Paused'), paused: { by: 'ada', why: 'x', since: before(5) } })).toEqual({
      state: 'Paused',
    });
  });

  it('shows for each event the report of its own reader', () => {
    const activities = [relay('event-1', { connected: true }), relay('event-0', { connected: false, problem: 'TLS' })];
    expect(withRelayReports(status('Reading', 'Reading', 'NotSupported').events, activities, NOW)).toMatchObject([
      { state: 'NotReady', problem: 'TLS' },
      { state: 'Reading' },
      { state: 'NotSupported' },
    ]);
  });
});

describe('a sensor', () => {
  const status: SensorStatus = {
    namespace: 'argo',
    name: 'scenes',
    appliedAt: before(60),
    triggers: [],
    counts: { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 },
  };
  const listener = (fields: object): PendingActivity => activity({ type: 'sluiceListen', heartbeat: fields });

  it('is ready only when all its listeners listen', () => {
    const up = listener({ connected: true });
    expect(sensorCondition(status, 2, [up, up], NOW)).toEqual({ state: 'Ready' });
    expect(sensorCondition(status, 2, [up], NOW)).toMatchObject({ state: 'Connecting' });
    expect(sensorCondition(status, 2, [up, listener({ connected: false, problem: 'bus' })], NOW)).toEqual({
      state: 'NotReady',
      reason: 'bus',
    });
  });

  it('is gone if it was ended from outside, with the identity and advice', () => {
    const end = { how: 'Terminated', at: before(60), by: 'ada@host', reason: 'clean-up' } as const;
    expect(goneCondition(end)).toEqual({
      state: 'Gone',
      reason: `Terminated by "ada@host" (unverified) at ${before(60)} (clean-up); apply it again, or sluice delete it`,
    });
  });
});
