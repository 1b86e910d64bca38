import { describeReplay } from '../../../workflows/replay/replay-details';
import type { ReplayProgress } from '../../../src/contract/replay-messages';

const sensor = { namespace: 'eo', name: 'water' };
const asked = { by: 'ada', why: 'a better filter', dryRun: false, again: false };
const progress: ReplayProgress = {
  ...{ state: 'Running', read: 9, matched: 7, fired: 6, joined: 0, skipped: 1, unmatched: 2, failed: 0 },
  ...{ nextSequence: 10, lastSequence: 40, examples: [{ eventKey: 'scenes/a', sequence: 3, triggers: ['detect'] }] },
};

describe('the details panel of a replay', () => {
  it('shows by, why, progress and fires', () => {
    const text = describeReplay(sensor, asked, progress, 'prod');
    expect(text).toContain(
      'Replay through [`sensor/eo/water`](namespaces/prod/workflows/sensor%2Feo%2Fwater) by "ada" (unverified): a better filter',
    );
    expect(text).toContain('**Running** · position 10 of 40');
    expect(text).toContain('| 9 | 7 | 6 | 0 | 1 | 2 | 0 |');
    expect(text).toContain('- `scenes/a` → detect');
  });

  it('shows the requested events that it skips', () => {
    const text = describeReplay(sensor, asked, { ...progress, keptFrom: 4, leftToSensor: 31 }, 'prod');
    expect(text).toContain('Events before position 4 are no longer on the bus.');
    expect(text).toContain('Events from position 31 on are still pending for the sensor, which fires them itself.');
  });

  it.each([
    [{}, 'Events that the bus keeps; only events that never fired.'],
    [
      { from: '2026-01-01T00:00:00Z' },
      'Events from 2026-01-01 00:00:00 UTC to the last; only events that never fired.',
    ],
    [{ fromSequence: 3, again: true }, 'Events at positions 3 to the last; also events that fired before.'],
    [{ dryRun: true }, 'Events that the bus keeps; dry run, nothing is fired (only events that never fired).'],
  ])('shows the selected events and the mode: %j', (request, text) => {
    expect(describeReplay(sensor, { ...asked, ...request }, progress, 'prod')).toContain(text);
  });
});
