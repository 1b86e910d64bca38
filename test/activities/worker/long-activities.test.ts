import { pino } from 'pino';
import { LongActivities, longActivityLimit } from '../../../activities/worker/long-activities';
import { Metrics } from '../../../src/metrics/metrics';
import { RecordingMeter } from '../../metrics/recording-meter';
import { failureOf } from '../../setup/failure';

describe('long-running activities', () => {
  const recording = new RecordingMeter();
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const create = (slots: number | undefined, sharedBy = 1) => {
    const activities = new LongActivities(new Metrics(() => recording.meter), log);
    activities.open({ taskQueue: 'q', slots, sharedBy });
    const release: Array<() => void> = [];
    const run = activities.bound('sluiceListen', () => new Promise<void>((resolve) => release.push(resolve)));
    return { run, release };
  };

  it('are accepted up to the limit and then rejected for retry until one ends', async () => {
    const { run, release } = create(6);
    const running = [run(), run(), run(), run()];
    await expect(run()).rejects.toMatchObject({ type: 'WORKER_FULL', nonRetryable: false, nextRetryDelay: 5_000 });
    await expect(run()).rejects.toThrow(/4 readers and listeners, of 6 activity slots.*SLUICE_MAX_ACTIVITIES/);
    expect(lines.filter((line) => line.includes('no worker has capacity'))).toHaveLength(1);
    expect(recording.last('sluice_worker_long_activities')).toBe(4);
    expect(recording.last('sluice_worker_long_activities_limit')).toBe(4);
    release.shift()?.();
    await running.shift();
    expect(recording.last('sluice_worker_long_activities')).toBe(3);
    const next = run();
    release.forEach((end) => end());
    await Promise.all([...running, next]);
  });

  it('are not bounded with a tuner', async () => {
    const { run, release } = create(undefined);
    const running = Array.from({ length: 500 }, () => run());
    release.forEach((end) => end());
    await Promise.all(running);
  });

  it.each([
    [1_000, 1, 800],
    [100, 1, 80],
    [100, 2, 40],
    [4, 1, 2],
  ])(
    'leave a fifth of %i slots, shared by %i plugins, to short activities: each takes %i',
    (slots, sharedBy, limit) => {
      expect(longActivityLimit(slots, sharedBy)).toBe(limit);
    },
  );

  it('require a worker with capacity for at least one', async () => {
    const failure = await failureOf(Promise.resolve().then(() => longActivityLimit(7, 2)));
    expect(failure.code).toBe('PLUGIN_MISUSED');
    expect(failure.message).toContain('maxConcurrentActivityTaskExecutions');
  });
});
