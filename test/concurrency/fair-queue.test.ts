import { FairQueue } from '../../src/concurrency/fair-queue';

interface Work {
  readonly tenant: string;
  readonly program: string;
  readonly n: number;
}
const work = (tenant: string, program: string, n: number): Work => ({ tenant, program, n });
const name = ({ tenant, program, n }: Work): string => `${tenant}${program}${n}`;
const byTenant = ({ tenant }: Work): string => tenant;
const byProgram = ({ program }: Work): string => program;

describe('a fair queue', () => {
  it('lets keys take turns, however many entries one of them has', () => {
    const queue = new FairQueue<Work>([byTenant]);
    for (let n = 0; n < 5; n++) queue.put(work('a', 'p', n));
    queue.put(work('b', 'p', 0));
    expect([queue.take(2), queue.take(2), queue.take(2)].map((taken) => taken.map(name))).toEqual([
      ['ap0', 'ap1'],
      ['bp0'],
      ['ap2', 'ap3'],
    ]);
  });

  it('lets the inner keys of one key take turns', () => {
    const queue = new FairQueue<Work>([byTenant, byProgram]);
    for (const program of ['p', 'p', 'q']) queue.put(work('a', program, 0));
    queue.put(work('b', 'p', 0));
    const order: string[] = [];
    while (!queue.isEmpty) order.push(...queue.take(1).map(name));
    expect(order).toEqual(['ap0', 'bp0', 'aq0', 'ap0']);
  });

  it('takes only permitted entries', () => {
    const queue = new FairQueue<Work>([byTenant]);
    queue.put(work('a', 'p', 0));
    const mayGo = (tenant: string): boolean => tenant !== 'a';
    expect(queue.next(mayGo)).toBeUndefined();
    expect(queue.take(1, mayGo)).toEqual([]);
    queue.put(work('b', 'p', 0));
    expect(queue.next(mayGo)).toBe('b');
    expect(queue.take(1, mayGo).map(name)).toEqual(['bp0']);
  });

  it('puts taken entries back before later ones', () => {
    const queue = new FairQueue<Work>([byTenant]);
    for (let n = 0; n < 3; n++) queue.put(work('a', 'p', n));
    queue.putBack(queue.take(2));
    expect(queue.take(3).map(name)).toEqual(['ap0', 'ap1', 'ap2']);
    queue.putBack([work('a', 'p', 3)]);
    expect(queue.drain().map(name)).toEqual(['ap3']);
    expect(queue.isEmpty).toBe(true);
  });
});
