/** A fixed part of `npm run differential`: Sluice computes what the Go libraries of Argo Events compute. */
import { generateCases } from '../../dev/differential/cases';
import { compareCases } from '../../dev/differential/compare';

const CASES = 3_000;

it('computes what Argo Events computes in generated cases of every kind', async () => {
  const comparison = await compareCases(generateCases(CASES, 20_261_129));
  expect(comparison.differences).toEqual([]);
  // A comparison of failures with failures would prove nothing.
  expect(comparison.withValue).toBeGreaterThan(CASES / 2);
  expect(comparison.engineCases).toBeGreaterThan(CASES / 10);
  for (const count of Object.values(comparison.byKind)) expect(count).toBeGreaterThan(CASES / 100);
});
