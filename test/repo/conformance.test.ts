import { readFileSync } from 'node:fs';
import { SECTIONS } from './conformance';
import { CONFORMANCE_PAGE, findMissingProofs, renderConformancePage } from './conformance-page';

describe('docs/conformance.md', () => {
  it('names only tests, manifests and differences that exist', () => {
    expect(findMissingProofs()).toEqual([]);
  });

  it('is what `npm run docs:conformance` writes', async () => {
    expect(readFileSync(CONFORMANCE_PAGE, 'utf8')).toBe(await renderConformancePage());
  });

  it('has a proof, or says that there is none, in every row', () => {
    const bare = SECTIONS.flatMap(({ rows }) => rows.filter(([, ...proofs]) => proofs.length === 0));
    expect(bare).toEqual([]);
  });
});
