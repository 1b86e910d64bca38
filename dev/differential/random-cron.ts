/** Cron lines of every form that Argo Events reads, and times of events. */
import fc from 'fast-check';

function field(least: number, most: number, names: readonly string[] = []): fc.Arbitrary<string> {
  const number = fc.integer({ min: least, max: most });
  const range = fc.tuple(number, number).map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
  const step = fc.integer({ min: 1, max: 9 });
  const part = fc.oneof(
    { weight: 4, arbitrary: number.map(String) },
    { weight: 2, arbitrary: range },
    { weight: 2, arbitrary: step.map((size) => `*/${size}`) },
    { weight: 1, arbitrary: fc.tuple(range, step).map((parts) => parts.join('/')) },
    { weight: 1, arbitrary: fc.tuple(number, step).map((parts) => parts.join('/')) },
    { weight: 1, arbitrary: fc.constantFrom('*', '?', ...names) },
  );
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant('*') },
    { weight: 1, arbitrary: fc.constant('?') },
    { weight: 5, arbitrary: part },
    { weight: 2, arbitrary: fc.array(part, { minLength: 2, maxLength: 3 }).map((parts) => parts.join(',')) },
  );
}

const lines = fc
  .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12, ['jan', 'JUL']), field(0, 6, ['mon', 'SAT']))
  .map((fields) => fields.join(' '));
const wrong = fc.constantFrom('', '* * * *', '* * * * * *', '@daily', '60 * * * *', '0 24 * * *', '0 0 0 * *', '0 0 * 13 *', '0 0 * * 7', '5-1 * * * *', '*/0 * * * *', 'x * * * *', '0 0 31 2 *', '0 0 L * *', '1, * * * *', '1-2-3 * * * *'); // prettier-ignore

export const cronLines = fc.oneof({ weight: 15, arbitrary: lines }, { weight: 1, arbitrary: wrong });

export const timezones = fc.constantFrom('', 'Local', 'Asia/Kolkata', 'America/Phoenix', 'Europe/Berlin', 'America/New_York', 'Asia/Beirut', 'Australia/Lord_Howe', 'Atlantic/Azores', 'Antarctica/Troll', 'Africa/Casablanca'); // prettier-ignore

export const instants = fc
  .date({ min: new Date('2024-01-01T00:00:00Z'), max: new Date('2029-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, 19)}Z`);
