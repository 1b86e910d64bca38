import { ReportPace } from '../../../activities/worker/report-pace';

describe('the pace of reports', () => {
  /** Seconds at which a look falls due, while `busy` says of each second whether something changed. */
  const looks = (seconds: number, busy: (second: number) => boolean): number[] => {
    const pace = new ReportPace(2, 15, 0);
    const found: number[] = [];
    let news = false;
    for (let now = 0; now <= seconds; now += 1) {
      if (busy(now)) {
        pace.changed(now);
        news = true;
      }
      if (!pace.isDue(now)) continue;
      found.push(now);
      pace.looked(news, now);
      news = false;
    }
    return found;
  };

  it('backs off while changes continue', () => {
    expect(looks(60, () => true)).toEqual([2, 6, 14, 29, 44, 59]);
  });

  it('checks rarely while nothing changes', () => {
    expect(looks(50, () => false)).toEqual([2, 17, 32, 47]);
  });

  it('reports a change after a quiet time within seconds', () => {
    expect(looks(40, (second) => second === 20)).toEqual([2, 17, 22, 26]);
  });
});
