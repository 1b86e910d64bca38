import { sensorProblems, sourceProblems } from '../../src/control/status/object-problems';
import type { PendingActivity } from '../../src/control/pending-activities';

function reporting(heartbeat: unknown): PendingActivity {
  return { id: '1', type: 'sluiceListen', state: 'started', attempt: 1, heartbeat };
}

describe('an unusable bus', () => {
  const busProblem = 'the stream accepts no events: maximum bytes exceeded';
  const activities = [reporting({ busProblem }), reporting({ busProblem }), reporting(undefined), reporting({})];
  const about = { namespace: 'argo', name: 'a', appliedAt: '2026-01-01T00:00:00Z' };

  it('is reported once for each source and sensor that uses it', () => {
    const expected = [`the event bus cannot be used now: ${busProblem}`];
    expect(sourceProblems({ ...about, events: [] }, activities)).toEqual(expected);
    const counts = { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 };
    expect(sensorProblems({ ...about, triggers: [], counts }, activities)).toEqual(expected);
  });
});
