import { parseBbox, parseDatetimeInterval, parseDuration } from '../../src/cli/arguments';

describe('arguments of commands', () => {
  it.each([
    ['30s', 30_000],
    ['250ms', 250],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['.5s', 500],
  ])('the duration %s is %d ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', '5', 's', '1 h', '-1s', '1w'])('rejects the duration "%s"', (text) => {
    expect(() => parseDuration(text)).toThrow();
  });

  it.each([
    ['2021-07-04', '2021-07-04T00:00:00Z/2021-07-04T23:59:59Z'],
    ['2021-07-04/2021-07-09', '2021-07-04T00:00:00Z/2021-07-09T23:59:59Z'],
    ['2021-07-04T06:00:00Z', '2021-07-04T06:00:00Z'],
    ['2021-07-04T00:00:00Z/..', '2021-07-04T00:00:00Z/..'],
    ['../2021-07-04', '../2021-07-04T23:59:59Z'],
    ['/2021-07-04T00:00:00.5+02:00', '../2021-07-04T00:00:00.5+02:00'],
  ])('the time %s is sent as %s', (text, expected) => {
    expect(parseDatetimeInterval(text)).toBe(expected);
  });

  it.each(['', '..', '../..', 'yesterday', '2021-02-31T00:00Z', 'a/b/c', '2021-07-04/2021-07-05/2021-07-06'])(
    'rejects the time "%s"',
    (text) => {
      expect(() => parseDatetimeInterval(text)).toThrow();
    },
  );

  it('an area has four numbers, or six with elevations', () => {
    expect(parseBbox('-121.399,39.834,-120.74,40.472')).toEqual([-121.399, 39.834, -120.74, 40.472]);
    expect(parseBbox('170,-10,0,-170,10,100')).toHaveLength(6);
    // Over the antimeridian, west is greater than east.
    expect(parseBbox('170,-10,-170,10')).toEqual([170, -10, -170, 10]);
  });

  it.each(['', '1,2,3', '1,2,3,', 'a,b,c,d', '1,50,2,40'])('rejects the area "%s"', (text) => {
    expect(() => parseBbox(text)).toThrow();
  });
});
