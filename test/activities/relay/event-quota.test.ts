import { EventQuota, EventQuotas, readEventQuota, SourceQuota } from '../../../activities/relay/event-quota';
import { eventually } from '../../setup/eventually';

const { signal } = new AbortController();

describe('the quota of events of a namespace', () => {
  it('lets through what was not used within the last second, and then so many a second', async () => {
    const quota = new EventQuota(100);
    let waited = 0;
    for (let taken = 0; taken < 110; taken++) waited += await quota.take(1, signal);
    // The first hundred are a second's worth, the next ten come one after another.
    expect(waited).toBeGreaterThan(50);
    expect(waited).toBeLessThan(5_000);
  });

  it("lets an idle namespace bring no more than a second's worth at once", async () => {
    const quota = new EventQuota(10);
    const now = performance.now() - 3_600_000;
    expect(await quota.take(10, signal, now)).toBe(0);
    expect(await quota.take(10, signal)).toBe(0);
    expect(await quota.take(1, signal)).toBe(0);
    expect(await quota.take(1, signal)).toBeGreaterThan(0);
  });

  it('counts all sources of a namespace together, and each namespace for itself', () => {
    const quotas = new EventQuotas(5);
    expect(quotas.of('team-a')).toBe(quotas.of('team-a'));
    expect(quotas.of('team-b')).not.toBe(quotas.of('team-a'));
  });

  it('stops waiting, without an error, when its reader is stopped', async () => {
    const quota = new EventQuota(1);
    await quota.take(1_000, signal);
    const stopped = new AbortController();
    const waiting = quota.take(1, stopped.signal);
    stopped.abort();
    await expect(waiting).resolves.toBeLessThan(60_000);
  });

  it('is told to the operator while it holds a source back for long, and no longer once the source has nothing to bring', async () => {
    const quota = new EventQuota(50);
    const source = new SourceQuota(quota);
    await quota.take(60, signal);
    source.owe(1);
    const waiting = source.pay(signal);
    const begun = performance.now();
    expect(source.problem(begun + 4_000)).toBeUndefined();
    expect(source.problem(begun + 6_000)).toContain('50 events a second');
    expect(await waiting).toBeGreaterThan(0);
    expect(source.problem()).toBeUndefined();
    expect(source.problem(performance.now() + 3_600_000)).toBeUndefined();
  });

  it('lets single events of one source take turns with the large deliveries of another', async () => {
    const quota = new EventQuota(200);
    const [large, small] = [new SourceQuota(quota), new SourceQuota(quota)];
    const stopped = new AbortController();
    const brought = { large: 0, small: 0 };
    const bring = async (name: 'large' | 'small', source: SourceQuota, size: number): Promise<void> => {
      while (!stopped.signal.aborted) {
        brought[name] += size;
        source.owe(size);
        await source.pay(stopped.signal);
        await new Promise(setImmediate);
      }
    };
    const both = [bring('large', large, 1_000), bring('small', small, 1)];
    await eventually(() => brought.small >= 20);
    stopped.abort();
    await Promise.all(both);
    expect(brought.large).toBe(1_000);
  });

  it('is not used up by a source that stops', async () => {
    const quota = new EventQuota(1);
    const source = new SourceQuota(quota);
    source.owe(1_000);
    await source.pay(AbortSignal.abort());
    expect(await quota.take(1, signal)).toBe(0);
  });

  it('is not set by default, and refused where it cannot be read', () => {
    expect(new EventQuotas(readEventQuota({})).of('team-a')).toBeUndefined();
    expect(readEventQuota({ SLUICE_EVENTS_PER_SECOND: ' 50 ' })).toBe(50);
    for (const text of ['0', '-1', '1.5', 'many', '1e3'])
      expect(() => readEventQuota({ SLUICE_EVENTS_PER_SECOND: text })).toThrow(`found "${text}"`);
  });
});
