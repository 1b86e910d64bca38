import { describeExpiring, expiringEvents } from '../../src/control/status/expiring-events';
import type { PendingActivity } from '../../src/control/pending-activities';

function activity(heartbeat: unknown): PendingActivity {
  return { id: '1', type: 'sluiceListen', state: 'started', attempt: 1, heartbeat };
}

describe('status of events that will expire', () => {
  it('shows how many are pending, when the first expires, and the last loss', () => {
    const found = expiringEvents([
      activity(undefined),
      activity({ waiting: 3, expiresAt: '2026-01-02T03:04:05.000Z', lost: '2 events (positions 1 to 2)' }),
    ]);
    expect(found && describeExpiring(found)).toEqual([
      '3 events wait; the first expires at 2026-01-02T03:04:05.000Z',
      'Lost: 2 events (positions 1 to 2)',
    ]);
  });

  it('uses one sentence for a single event', () => {
    expect(describeExpiring({ waiting: 1, expiresAt: 'T' })).toEqual(['1 event waits and expires at T']);
  });

  it.each([[{ waiting: 3 }], [{ waiting: 0 }]])('is empty for %j', (heartbeat) => {
    const found = expiringEvents([activity(heartbeat)]);
    expect(found && describeExpiring(found)).toEqual([]);
  });

  it('is unknown without a report of an activity', () => {
    expect(expiringEvents([activity({ waiting: 'many' }), activity('text')])).toBeUndefined();
  });
});
