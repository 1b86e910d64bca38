import { ActiveTenants } from '../../src/concurrency/active-tenants';

describe('the active tenants', () => {
  it('are those of the last ten seconds', () => {
    let now = 0;
    const active = new ActiveTenants(() => now);
    active.note('a');
    expect(active.othersThan('a')).toEqual([]);
    expect(active.othersThan('b')).toEqual(['a']);
    now = 9_000;
    active.note('b');
    expect(active.othersThan('b')).toEqual(['a']);
    now = 10_000;
    expect(active.othersThan('b')).toEqual([]);
    expect(active.othersThan('a')).toEqual(['b']);
  });
});
