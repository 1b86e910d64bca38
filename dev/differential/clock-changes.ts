/** What happens on the day when the clock changes is a row of docs/differences-from-argo-events.md. */
const DAY_MS = 86_400_000;

/** Returns true for equal ticks, and if the earlier one is within a day of a change of the clock in the time zone. */
export function isSameTick(expected: string, found: string, timezone: string): boolean {
  if (expected === found) return true;
  const [earlier = Number.NaN] = [expected, found].map((text) => Date.parse(text)).sort((one, other) => one - other);
  const format = new Intl.DateTimeFormat('en', {
    timeZone: timezone === '' || timezone === 'Local' ? 'UTC' : timezone,
    timeZoneName: 'longOffset',
  });
  const offsets = [earlier - DAY_MS, earlier + DAY_MS].map(
    (at) => format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value,
  );
  return offsets[0] !== offsets[1];
}
