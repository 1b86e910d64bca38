import type { Fire } from '../../../src/contract/packed-fires';
import type { TriggerSpec } from '../../../src/manifest/sensor';
import { shareCalls } from '../../../src/sandbox/run/shared-calls';

describe('fires that may wait for their target', () => {
  const spec = (more: Partial<TriggerSpec> = {}): TriggerSpec => ({
    template: { name: 't', http: { url: 'http://x' } },
    ...more,
  });
  const triggers: Readonly<Record<string, TriggerSpec>> = {
    call: spec(),
    other: spec(),
    limited: spec({ rateLimit: { requestsPerUnit: 1 } }),
    polling: spec({ policy: { k8s: { labels: { a: 'b' } } } }),
  };
  const fires = (trigger: string, count: number): Fire[] =>
    Array.from({ length: count }, (_, index) => ({ id: `${trigger}-${index}`, trigger, dependencies: {} }));
  const share = (...all: readonly Fire[]): string[][] =>
    shareCalls(all, ({ trigger }) => triggers[trigger] ?? spec()).map((group) => group.map(({ id }) => id));

  it('share an activity with those of the same trigger', () => {
    const [call, other] = [fires('call', 2), fires('other', 2)];
    expect(share(...call, ...other)).toEqual([
      ['call-0', 'call-1'],
      ['other-0', 'other-1'],
    ]);
  });

  it('share it with at most as many as are sent at a time', () => {
    expect(share(...fires('call', 70)).map(({ length }) => length)).toEqual([32, 32, 6]);
  });

  it('keep an activity of their own where one is alone', () => {
    expect(share(...fires('call', 33)).map(({ length }) => length)).toEqual([32]);
    expect(share(...fires('call', 1), ...fires('other', 1))).toEqual([]);
  });

  it('keep an activity of their own where they wait for a rate limit or for an object', () => {
    expect(share(...fires('limited', 3), ...fires('polling', 3))).toEqual([]);
  });
});
