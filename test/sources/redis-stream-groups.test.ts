import type { StreamStart } from '../../src/manifest/annotations';
import { redisStreamSource } from '../../src/sources/redis-stream';
import { compareIds, idBefore } from '../../src/sources/redis-stream-ids';
import { eventually } from '../setup/eventually';
import type { SourceReading } from './read-source';
import { useRedis } from './redis-fixture';
import { fieldOf } from './field-of';

const NEW: StreamStart = { kind: 'new' };
const GROUP = 'argo-events-cg';

describe('a destroyed consumer group', () => {
  const redis = useRedis();

  /** Collects ids, and acknowledges where it is told to. */
  function read(
    startFrom: StreamStart,
    { formerMarks, acknowledges = true }: { formerMarks?: unknown; acknowledges?: boolean } = {},
  ) {
    const reading = redis.read(redisStreamSource, { streams: ['s'] }, { startFrom, formerMarks });
    const ids: unknown[] = [];
    (async () => {
      for (;;) {
        const delivery = await reading.next();
        ids.push(...delivery.events.map(({ data }) => fieldOf(data, 'message_id')));
        if (acknowledges) await delivery.acknowledge({ rejected: [] });
      }
    })().catch(() => undefined);
    return { ...reading, ids };
  }

  const add = async (...ids: readonly string[]): Promise<void> => {
    for (const id of ids) await redis.client.xadd('s', id, 'a', 'b');
  };
  const isReading = ({ source }: SourceReading): Promise<true> =>
    eventually(() => source.status().connected || undefined);

  it('is recreated at the last position read, without skipping or repeating entries', async () => {
    await add('1-0', '2-0', '3-0');
    const reading = read(NEW);
    await isReading(reading);
    await add('4-0');
    await eventually(() => reading.ids.length === 1);
    await redis.client.multi().xgroup('DESTROY', 's', GROUP).xadd('s', '5-0', 'a', 'b').exec();
    await add('6-0');
    await eventually(() => reading.ids.length === 3);
    expect(reading.ids).toEqual(['4-0', '5-0', '6-0']);
  });

  it('is recreated at the start of the event source if nothing was read yet', async () => {
    await add('1-0', '2-0');
    const reading = read(NEW);
    await isReading(reading);
    await redis.client.multi().xgroup('DESTROY', 's', GROUP).xadd('s', '3-0', 'a', 'b').exec();
    await eventually(() => reading.ids.length > 0);
    expect(reading.ids).toEqual(['3-0']);
  });

  it('is recreated at the position of the former worker, if destroyed between two workers', async () => {
    await add('1-0', '2-0');
    const former = read(NEW);
    await isReading(former);
    await add('3-0');
    const formerMarks = await eventually(() => {
      const marks = former.source.marks?.();
      return JSON.stringify(marks).includes('"done":"3-0"') && marks;
    });
    await former.stop();
    await redis.client.xgroup('DESTROY', 's', GROUP);
    await add('4-0');
    const next = read(NEW, { formerMarks });
    await eventually(() => next.ids.length > 0);
    expect(next.ids).toEqual(['4-0']);
  });

  it('redelivers entries that were read and not acknowledged', async () => {
    await add('1-0');
    const former = read(NEW, { acknowledges: false });
    await isReading(former);
    await add('2-0', '3-0');
    await eventually(() => former.ids.length === 2);
    const formerMarks = former.source.marks?.();
    await former.stop();
    await redis.client.xgroup('DESTROY', 's', GROUP);
    const next = read(NEW, { formerMarks });
    await eventually(() => next.ids.length === 2);
    expect(next.ids).toEqual(['2-0', '3-0']);
  });

  it('is recreated at the beginning of a recreated stream with lower ids', async () => {
    await add('100-0');
    const reading = read(NEW);
    await isReading(reading);
    await redis.client.multi().del('s').xadd('s', '5-0', 'a', 'b').exec();
    await eventually(() => reading.ids.length > 0);
    expect(reading.ids).toEqual(['5-0']);
  });
});

describe('ids of stream entries', () => {
  it.each([
    ['5-3', '5-2'],
    ['5-0', '4-18446744073709551615'],
    ['0-1', '0-0'],
  ])('computes the predecessor of %s', (id, expected) => {
    expect(idBefore(id)).toBe(expected);
  });

  it('orders ids as numbers beyond double precision', () => {
    const ids = ['10-0', '9-10', '9-9', '9-18446744073709551615', '9-18446744073709551614'];
    expect(ids.sort(compareIds)).toEqual(['9-9', '9-10', '9-18446744073709551614', '9-18446744073709551615', '10-0']);
  });
});
