import { ActivityCancellationDetails } from '@temporalio/common';
import { TemporalOutages } from '../../../activities/relay/temporal-outages';

describe('a relay that stops during a Temporal outage', () => {
  const lines: string[] = [];
  const log = (level: string, line: string): void => void lines.push(`${level}: ${line}`);
  beforeEach(() => lines.splice(0));

  it.each(['timedOut', 'notFound'] as const)('logs it once, and again when it continues: %s', (reason) => {
    const outages = new TemporalOutages();
    outages.ended('hooks/in', new ActivityCancellationDetails({ [reason]: true }), log, 1_000);
    outages.begun('hooks/other', log, 30_000);
    outages.begun('hooks/in', log, 61_000);
    outages.begun('hooks/in', log, 62_000);
    expect(lines).toEqual([
      expect.stringMatching(/^warn: hooks\/in: reading stopped, as Temporal/),
      expect.stringMatching(/^info: hooks\/in: reading again, 60 s/),
    ]);
  });

  it.each(['cancelRequested', 'paused', 'workerShutdown', 'reset'] as const)(
    'differs from one that was stopped: %s',
    (reason) => {
      const outages = new TemporalOutages();
      outages.ended('hooks/in', new ActivityCancellationDetails({ [reason]: true }), log);
      outages.ended('hooks/in', undefined, log);
      outages.begun('hooks/in', log);
      expect(lines).toEqual([]);
    },
  );
});
