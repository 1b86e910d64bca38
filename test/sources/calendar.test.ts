import { CronSchedule } from '../../src/cron/cron-schedule';
import type { JsonObject } from '../../src/event/json';
import { calendarSource, calendarWith } from '../../src/sources/calendar';
import { CalendarTicks, type CalendarOptions } from '../../src/sources/calendar-ticks';
import type { Delivery, PositionStore } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { fieldOf } from './field-of';
import { ManualClock } from './manual-clock';
import { readSource, type SourceReading } from './read-source';

const MINUTE_MS = 60_000;
const START = Date.parse('2026-03-28T11:59:30Z');

describeSourceContract<CalendarOptions>({
  // Time is what this source reads: `send` lets a minute pass.
  factory: {
    ...calendarSource,
    create: (spec, context) => calendarWith(contractClock).create(spec, context),
  },
  capabilities: { payload: 'made', keepsBacklog: true, deliversAgain: true, hasServer: false, beginsNow: true },
  start() {
    contractClock = new ManualClock(START);
    const texts = new Map<string, string>();
    return Promise.resolve({
      spec: { schedule: '* * * * *', persistence: { catchup: { enabled: true } } },
      send(text: string) {
        const tick = Math.ceil((contractClock.now() + 1) / MINUTE_MS) * MINUTE_MS;
        texts.set(new Date(tick).toISOString(), text);
        contractClock.advanceTo(tick);
        return Promise.resolve();
      },
      textOf: ({ time }) => texts.get(new Date(time).toISOString()) ?? `a tick at ${time} that nobody sent`,
      stop: () => Promise.resolve(),
    });
  },
});

let contractClock = new ManualClock(START);

describe('event source calendar', () => {
  let clock: ManualClock;
  let position: PositionStore & { stored: JsonObject | undefined };
  const open: SourceReading[] = [];

  beforeEach(() => {
    clock = new ManualClock(START);
    position = {
      stored: undefined,
      read: () => Promise.resolve(position.stored),
      write: (value) => {
        position.stored = value;
        return Promise.resolve();
      },
    };
  });
  afterEach(() => Promise.all(open.splice(0).map((reading) => reading.stop())));

  async function read(spec: Partial<CalendarOptions>): Promise<SourceReading & { first: Promise<Delivery> }> {
    const reading = readSource(calendarWith(clock), spec, { position });
    open.push(reading);
    const first = reading.next();
    first.catch(() => undefined);
    await eventually(() => reading.source.status().connected && position.stored !== undefined);
    return { ...reading, first };
  }
  const at = (text: string): void => clock.advanceTo(Date.parse(text));
  const times = ({ events }: Delivery) => events.map(({ data }) => fieldOf(data, 'eventTime'));
  const take = async (delivery: Promise<Delivery>): Promise<unknown[]> => {
    const taken = await delivery;
    await taken.acknowledge({ rejected: [] });
    return times(taken);
  };

  it('gives a tick the payload of Argo Events, with the time as Go prints it', async () => {
    const { first } = await read({ schedule: '0 12 * * *', metadata: { team: 'eo' } });
    at('2026-03-28T12:00:00.250Z');
    const { events, position: reached } = await first;
    expect(events).toEqual([
      {
        transportId: '2026-03-28T12:00:00.000Z',
        time: '2026-03-28T12:00:00.000Z',
        data: { eventTime: '2026-03-28 12:00:00 +0000 UTC', metadata: { team: 'eo' } },
      },
    ]);
    expect(reached).toBe('2026-03-28T12:00:00.000Z');
  });

  it('shows its next tick to operators, and leaves out metadata that is empty', async () => {
    const { source, first } = await read({ schedule: '0 12 * * *', metadata: {} });
    await eventually(() => source.marks?.()['next'] === '2026-03-28T12:00:00.000Z');
    at('2026-03-28T12:00:00Z');
    expect((await first).events[0]?.data).toEqual({ eventTime: '2026-03-28 12:00:00 +0000 UTC' });
  });

  it('reads its schedule in the time zone of the manifest, also when the clock changes', async () => {
    const { first, next } = await read({ schedule: '30 9 * * *', timezone: 'Europe/Berlin' });
    at('2026-03-29T12:00:00Z');
    expect(await take(first)).toEqual(['2026-03-29 07:30:00 +0000 UTC']);
    const second = next();
    at('2026-03-30T12:00:00Z');
    expect(await take(second)).toEqual(['2026-03-30 07:30:00 +0000 UTC']);
  });

  it('ticks in intervals, and prefers a schedule', async () => {
    const { first } = await read({ interval: '1m30s' });
    at('2026-03-28T12:04:00Z');
    expect(await take(first)).toEqual([
      '2026-03-28 12:01:00 +0000 UTC',
      '2026-03-28 12:02:30 +0000 UTC',
      '2026-03-28 12:04:00 +0000 UTC',
    ]);
    const both = await read({ interval: '1s', schedule: '0 13 * * *' });
    at('2026-03-28T13:00:00Z');
    expect(await take(both.first)).toEqual(['2026-03-28 13:00:00 +0000 UTC']);
  });

  it('skips whole days that are excluded, in its time zone', async () => {
    const { first } = await read({
      schedule: '30 0 * * *',
      timezone: 'Europe/Berlin',
      exclusionDates: ['EXDATE:20260330T150405Z,20260401T000000Z', '20260331T000000Z'],
    });
    at('2026-04-01T23:00:00Z');
    expect(await take(first)).toEqual([
      '2026-03-28 23:30:00 +0000 UTC',
      // The 30th of March began in Berlin at 22:00 UTC of the 29th; the 31st lacks its prefix.
      '2026-03-30 22:30:00 +0000 UTC',
      '2026-04-01 22:30:00 +0000 UTC',
    ]);
  });

  it.each<[string, Partial<CalendarOptions>, string]>([
    ['intervals', { interval: '7s' }, '2036-03-26T00:00:02.000Z'],
    ['a schedule', { schedule: '* * * * *' }, '2036-03-26T00:00:00.000Z'],
    // Its clock goes forward and back on days that are excluded.
    ['another time zone', { schedule: '* * * * *', timezone: 'Europe/Berlin' }, '2036-03-25T23:00:00.000Z'],
  ])('finds the tick behind ten excluded years without looking at each before (%s)', (_what, spec, expected) => {
    const first = Date.parse('2026-03-29T00:00:00Z');
    const days = Array.from({ length: 3_650 }, (_, day) => new Date(first + day * 86_400_000).toISOString());
    const exclusionDates = days.map((day) => `EXDATE:${day.slice(0, 10).replaceAll('-', '')}T000000Z`);
    const steps = jest.spyOn(CronSchedule.prototype, 'nextTick');
    try {
      const ticks = new CalendarTicks({ ...spec, exclusionDates });
      expect(new Date(ticks.nextTick(Date.parse('2026-03-28T23:00:00Z') + 3_599_000)).toISOString()).toBe(expected);
      expect(steps.mock.calls.length).toBeLessThan(5_000);
    } finally {
      steps.mockRestore();
    }
  });

  it('neither misses nor repeats ticks when a worker restarts', async () => {
    const before = await read({ interval: '1m' });
    at('2026-03-28T12:00:30Z');
    expect(await take(before.first)).toEqual(['2026-03-28 12:00:30 +0000 UTC']);
    await before.stop();
    at('2026-03-28T12:03:00Z');
    const after = await read({ interval: '1m' });
    expect(await take(after.first)).toEqual(['2026-03-28 12:01:30 +0000 UTC', '2026-03-28 12:02:30 +0000 UTC']);
  });

  it('begins at its first read, even if the worker ends before the first tick', async () => {
    await (await read({ interval: '1m' })).stop();
    at('2026-03-28T12:00:45Z');
    expect(await take((await read({ interval: '1m' })).first)).toEqual(['2026-03-28 12:00:30 +0000 UTC']);
  });

  it('skips and reports ticks that are older than five minutes without catch-up', async () => {
    await (await read({ interval: '1m' })).stop();
    at('2026-03-28T13:00:00Z');
    const { first, source, lines } = await read({ interval: '1m' });
    expect((await take(first))[0]).toBe('2026-03-28 12:55:30 +0000 UTC');
    expect(source.status().dropped).toBe(55);
    expect(lines.join()).toContain('55 ticks after 2026-03-28T11:59:30.000Z passed while it was not read');
  });

  it('catches up all ticks, or those of maxDuration', async () => {
    await (await read({ schedule: '0 * * * *' })).stop();
    at('2026-03-31T11:30:00Z');
    const all = await read({ schedule: '0 * * * *', persistence: { catchup: { enabled: true } } });
    expect(await take(all.first)).toHaveLength(72);
    await all.stop();
    at('2026-04-02T11:30:00Z');
    const persistence = { catchup: { enabled: true, maxDuration: '2h' } };
    const some = await read({ schedule: '0 * * * *', persistence });
    expect(await take(some.first)).toEqual(['2026-04-02 10:00:00 +0000 UTC', '2026-04-02 11:00:00 +0000 UTC']);
    expect(some.source.status().dropped).toBe(46);
  });

  it('begins anew when the schedule changes', async () => {
    await (await read({ schedule: '* * * * *' })).stop();
    at('2026-03-28T12:02:30Z');
    const { first } = await read({ schedule: '*/2 * * * *' });
    at('2026-03-28T12:04:30Z');
    expect(await take(first)).toEqual(['2026-03-28 12:04:00 +0000 UTC']);
  });

  it('publishes the same ticks again after a release', async () => {
    const { first, next } = await read({ schedule: '* * * * *' });
    at('2026-03-28T12:01:10Z');
    const released = await first;
    await released.release(new Error('not now'));
    expect((await next()).events).toEqual(released.events);
  });

  it('ticks by the clock of the machine', async () => {
    const reading = readSource(calendarSource, { interval: '1s' }, { position });
    open.push(reading);
    const { events } = await reading.next();
    expect(Date.parse(events[0]?.time ?? '')).toBeLessThanOrEqual(Date.now());
  });

  it.each<[string, Partial<CalendarOptions>]>([
    ['neither schedule nor interval', {}],
    ['a schedule that is not cron', { schedule: '@daily' }],
    ['an interval below one second', { interval: '500ms' }],
    ['an interval that is not a duration', { interval: 'hourly' }],
    ['an exclusion that is not a time', { interval: '1m', exclusionDates: ['EXDATE:2026-01-01'] }],
    [
      'more exclusions than ten years have days',
      { interval: '1m', exclusionDates: [`EXDATE:${Array<string>(3_661).fill('20260101T000000Z').join(',')}`] },
    ],
    ['an unknown time zone of an interval', { interval: '1m', timezone: 'Mars/Base' }],
    ['an unknown time zone', { schedule: '* * * * *', timezone: 'Mars/Base' }],
  ])('ends with an error for the operator on %s', async (_what, spec) => {
    const source = createSource(calendarSource, { spec });
    const failure = await failureOf(source.deliveries()[Symbol.asyncIterator]().next());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toContain('event source argo/outside, event news');
  });
});
