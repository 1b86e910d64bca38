import { eventTimeOf, goTimeOf } from '../../src/event/event-time';

const YEAR_9999_ENDS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

it.each([
  [0, undefined, '1970-01-01 00:00:00 +0000 UTC'],
  [1_769_860_800_250, '2026-01-31T12:00:00.250Z', '2026-01-31 12:00:00.25 +0000 UTC'],
  [YEAR_9999_ENDS, '9999-12-31T23:59:59.999Z', '9999-12-31 23:59:59.999 +0000 UTC'],
  [YEAR_9999_ENDS + 1, undefined, undefined],
  [-1, undefined, undefined],
  [NaN, undefined, undefined],
])('a time of a broker is text only if there is one that RFC 3339 can write: %s', (ms, rfc3339, go) => {
  expect([eventTimeOf(ms), goTimeOf(ms)]).toEqual([rfc3339, go]);
});
