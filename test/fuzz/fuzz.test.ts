import { fuzz, FUZZ_KINDS } from './run-fuzz';

const SEED = 20_261_129;
/** Commands take milliseconds each, all others less. */
const CASES: Readonly<Record<string, number>> = { cli: 60, webhook: 150 };

describe('odd input', () => {
  it.each(FUZZ_KINDS)(
    'of the kind %s crashes nothing, takes no second, and is never met with silence',
    async (kind) => {
      const { failure } = await fuzz({ kind, seed: SEED, cases: CASES[kind] ?? 300 });
      expect(failure).toBeUndefined();
    },
    300_000,
  );
});
