import { beatAllOf, startHeartbeat } from '../../../activities/worker/heartbeat';
import { FAIL_OVER_MS, OUTCOME_FAIL_OVER_MS, URGENT_FAIL_OVER_MS } from '../../../src/contract/fail-over';

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
  function perMinute(heartbeatTimeoutMs: number): number {
    const { sent, stop } = begin(heartbeatTimeoutMs, () => ({ connected: true, backlog: { at: Date.now() } }));
    jest.advanceTimersByTime(60_000);
    const count = sent.length;
    stop();
    return count;
  }

  it('are few at rest, and enough that one may be lost', () => {
    // A sensor has a listener and an outcome watch: 1,000 sensors send 9,000 a minute.
    expect([FAIL_OVER_MS, OUTCOME_FAIL_OVER_MS, URGENT_FAIL_OVER_MS].map(perMinute)).toEqual([7, 2, 30]);
  });

  it('come soon after a change of what they report', () => {
    let connected = true;
    const { sent, stop } = begin(FAIL_OVER_MS, () => ({ connected }));
    connected = false;
    jest.advanceTimersByTime(2_000);
    expect(sent).toEqual([{ connected: false }]);
    stop();
  });

  it('come at once from all activities of a workflow that are to end here', () => {
    const [one, two] = [begin(FAIL_OVER_MS, () => 1), begin(FAIL_OVER_MS, () => 2)];
    const other = begin(FAIL_OVER_MS, () => 3, 'another');
    expect(beatAllOf(one.activity)).toBe(2);
    expect([one.sent, two.sent, other.sent]).toEqual([[1], [2], []]);
    two.stop();
    expect(beatAllOf(one.activity)).toBe(1);
    one.stop();
    expect(beatAllOf(one.activity)).toBe(0);
    other.stop();
  });
});
