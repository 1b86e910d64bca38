import { SlowPrograms } from '../../src/expressions/slow-programs';
import type { ExpressionRequest } from '../../src/expressions/engine';

const jq = (program: string, data = {}): ExpressionRequest => ({ kind: 'jq', program, data });

describe('a slow program', () => {
  it('counts as slow with any data, for ten minutes', () => {
    let now = 0;
    const programs = new SlowPrograms(() => now);
    programs.add(jq('.a', { a: 1 }));
    expect(programs.has(jq('.a', { a: 2 }))).toBe(true);
    expect(programs.has(jq('.b'))).toBe(false);
    now = 600_000;
    expect(programs.has(jq('.a'))).toBe(false);
  });

  it('is dropped after a thousand other slow programs', () => {
    const programs = new SlowPrograms();
    for (let n = 0; n <= 1_000; n++) programs.add(jq(`.a${n}`));
    expect(programs.has(jq('.a0'))).toBe(false);
    expect(programs.has(jq('.a1'))).toBe(true);
  });

  it('counts as slow from the start if it is a large YAML text', () => {
    const programs = new SlowPrograms();
    programs.add({ kind: 'yaml', text: 'a: 1' });
    expect(programs.has({ kind: 'yaml', text: 'a: 1' })).toBe(false);
    expect(programs.has({ kind: 'yaml', text: 'a: 1\n'.repeat(5_000) })).toBe(true);
  });
});
