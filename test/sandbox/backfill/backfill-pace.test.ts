import type { BackfillStatus } from '../../../src/contract/backfill-messages';
import { beginBackfill, paceOf } from '../../../src/sandbox/backfill/backfill-pace';

const RANGE = { from: '2026-01-01T00:00:00Z', to: '2026-01-11T00:00:00Z' };

function status(progress: Partial<BackfillStatus>): BackfillStatus {
  const request = { by: 'ada', why: 'test', eventName: 'scenes', ...RANGE };
  const begun = { state: 'Running', request, startedAt: RANGE.to, activeMs: 0 } as const;
  return { ...beginBackfill(RANGE.from), ...begun, ...progress };
}

describe('the pace of a back-fill', () => {
  it('is not known at the beginning', () => {
    expect(paceOf(status({}))).toEqual({ share: 0 });
  });

  it('goes by the items if the API counts them', () => {
    const pace = paceOf(status({ found: 250, matched: 1_000, doneTo: '2026-01-09T00:00:00Z', activeMs: 10_000 }));
    expect(pace).toEqual({ share: 0.25, perSecond: 25, remainingMs: 30_000 });
  });

  it('goes by the time of the range otherwise', () => {
    const pace = paceOf(status({ found: 30, doneTo: '2026-01-06T00:00:00Z', activeMs: 60_000 }));
    expect(pace).toEqual({ share: 0.5, perSecond: 0.5, remainingMs: 60_000 });
  });

  it('never exceeds the whole, also if items were added since they were counted', () => {
    expect(paceOf(status({ found: 12, matched: 10, activeMs: 2_000 }))).toMatchObject({ share: 1, remainingMs: 0 });
  });

  it('has nothing left at the end', () => {
    expect(paceOf(status({ found: 10, isComplete: true, activeMs: 1_000 }))).toEqual({
      ...{ share: 1, perSecond: 10, remainingMs: 0 },
    });
  });
});
