import { describeListenerAttempts, noteListenerAttempt } from '../../../src/sandbox/run/listener-attempts';
import type { FireStatus } from '../../../src/contract/fires';

const listenerAttempt = { at: '2026-01-01T08:00:00Z', worker: '7@node' };
const fire = (fields: Partial<FireStatus>): FireStatus => ({
  ...{ id: 'f', trigger: 't', events: [], attempts: 0, listenerAttempt, state: 'Firing' },
  ...fields,
});

describe('an attempt of the listener', () => {
  it('waits for its response until the run has heard of it', () => {
    expect(describeListenerAttempts([fire({})])).toBe(
      'The listener began the first attempt before it started this run: at 2026-01-01 08:00:00 UTC, on worker 7@node; it waits for the response.',
    );
    expect(noteListenerAttempt(fire({}))).toBe(
      ' (the first by the listener, since 2026-01-01 08:00:00 UTC, on worker 7@node)',
    );
  });

  it('no longer waits once the run has taken it for lost', () => {
    const lost = fire({ state: 'Parked', attempts: 1 });
    expect(describeListenerAttempts([lost])).toBe(
      'The listener began the first attempt before it started this run: at 2026-01-01 08:00:00 UTC, on worker 7@node; it did not report the response.',
    );
    expect(describeListenerAttempts([lost, fire({})])).toMatch(
      /; 1 wait for the response; 1 without a report of the response\.$/,
    );
    expect(noteListenerAttempt(lost)).toBe(
      ' (the first by the listener, begun at 2026-01-01 08:00:00 UTC, on worker 7@node, without a report of the response)',
    );
  });
});
