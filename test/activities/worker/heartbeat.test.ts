import { beatAllOf, startHeartbeat } from '../../../activities/worker/heartbeat';
import {
  COVERED_FAIL_OVER_MS,
  FAIL_OVER_MS,
  LEASE_MS,
  OUTCOME_FAIL_OVER_MS,
  URGENT_FAIL_OVER_MS,
} from '../../../src/contract/fail-over';

describe('heartbeats of what never ends', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  /** An activity that sends heartbeats until `stop` is called; without the first. */
  function begin(heartbeatTimeoutMs: number, details: () => unknown, runId = 'first') {
    const info = {
      namespace: 'default',
      heartbeatTimeoutMs,
      workflowExecution: { workflowId: 'sensor/argo/one', runId },
    };
    const sent: unknown[] = [];
    const activity = { info, heartbeat: (beat?: unknown) => void sent.push(beat) };
    const heartbeat = startHeartbeat(details, true, activity);
    sent.length = 0;
    return { activity, sent, stop: () => heartbeat.stop() };
  }
  function perTenMinutes(heartbeatTimeoutMs: number): number {
    const { sent, stop } = begin(heartbeatTimeoutMs, () => ({ connected: true, backlog: { at: Date.now() } }));
    jest.advanceTimersByTime(600_000);
    const count = sent.length;
    stop();
    return count;
  }

  it('are few at rest, and enough that one may be lost', () => {
    const timeouts = [URGENT_FAIL_OVER_MS, LEASE_MS, FAIL_OVER_MS, COVERED_FAIL_OVER_MS, OUTCOME_FAIL_OVER_MS];
    expect(timeouts.map(perTenMinutes)).toEqual([300, 150, 75, 10, 5]);
  });

  it.each([
    [1, 16.5],
    [1_000, 1_515],
  ])('of %i sensors and the sign of life of their worker are %d a minute', (sensors, expected) => {
    const parts = [COVERED_FAIL_OVER_MS, OUTCOME_FAIL_OVER_MS].flatMap((timeout) =>
      Array.from({ length: sensors }, () => begin(timeout, () => ({ connected: true }))),
    );
    parts.push(begin(LEASE_MS, () => ({ held: true })));
    jest.advanceTimersByTime(600_000);
    expect(parts.reduce((sum, { sent }) => sum + sent.length, 0) / 10).toBe(expected);
    parts.forEach(({ stop }) => stop());
  });

  it('come soon after a change of what they report', () => {
    let connected = true;
    const { sent, stop } = begin(FAIL_OVER_MS, () => ({ connected }));
    connected = false;
    jest.advanceTimersByTime(2_000);
    expect(sent).toEqual([{ connected: false }]);
    stop();
  });

  it('come soon after a change back, also when what changed first was told by one that was due', () => {
    let connected = true;
    const { sent, stop } = begin(COVERED_FAIL_OVER_MS, () => ({ connected }));
    jest.advanceTimersByTime(58_000);
    connected = false;
    jest.advanceTimersByTime(2_000);
    connected = true;
    jest.advanceTimersByTime(2_000);
    expect(sent).toEqual([{ connected: false }, { connected: true }]);
    stop();
  });

  it('come soon after a change back, also when what changed first was told by one of all activities', () => {
    let connected = true;
    const { sent, activity, stop } = begin(COVERED_FAIL_OVER_MS, () => ({ connected }));
    jest.advanceTimersByTime(2_000);
    connected = false;
    beatAllOf(activity);
    connected = true;
    jest.advanceTimersByTime(2_000);
    expect(sent).toEqual([{ connected: false }, { connected: true }]);
    stop();
  });

  it('come at once from what a former execution of the workflow left here', () => {
    const former = begin(COVERED_FAIL_OVER_MS, () => 1, 'terminated');
    const next = begin(COVERED_FAIL_OVER_MS, () => 2, 'applied again');
    expect(former.sent).toEqual([1]);
    expect(next.sent).toEqual([]);
    former.stop();
    next.stop();
  });

  it('come at once from all activities of a workflow that are to end here', () => {
    const [one, two] = [begin(FAIL_OVER_MS, () => 1), begin(FAIL_OVER_MS, () => 2)];
    const other = begin(FAIL_OVER_MS, () => 3, 'another');
    for (const { sent } of [one, two]) sent.length = 0;
    expect(beatAllOf(one.activity)).toBe(2);
    expect([one.sent, two.sent, other.sent]).toEqual([[1], [2], []]);
    two.stop();
    expect(beatAllOf(one.activity)).toBe(1);
    one.stop();
    expect(beatAllOf(one.activity)).toBe(0);
    other.stop();
  });
});
