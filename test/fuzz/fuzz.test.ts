import { fuzz, FUZZ_KINDS } from './run-fuzz';

const SEED = 20_261_129;
/** Commands take milliseconds each, all others less. */
const CASES: Readonly<Record<string, number>> = { cli: 60, webhook: 150 };

describe('malformed input', () => {
  it.each(FUZZ_KINDS)(
    'of the kind %s never crashes, hangs or fails silently',
    async (kind) => {
      const { failure } = await fuzz({ kind, seed: SEED, cases: CASES[kind] ?? 300 });
      expect(failure).toBeUndefined();
    },
    300_000,
  );
});
