import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { describeRequester } from '../../src/text/requester-name';
import { repoFiles } from '../repo/tracked-files';

describe('the name of a requester', () => {
  it('is shown as unverified', () => {
    expect(describeRequester('anna')).toBe('"anna" (unverified)');
  });

  it('cannot imitate a verified one', () => {
    expect(describeRequester('anna" (verified) "')).toBe('"anna\\" (verified) \\"" (unverified)');
    expect(describeRequester('anna\n(verified)')).toBe('"anna\\n(verified)" (unverified)');
    expect(describeRequester('a'.repeat(1_000))).toMatch(/^"a{79}…" \(unverified\)$/);
  });

  it('is shown in the same way in every text of the product', () => {
    const files = repoFiles().filter((path) => /^(src|workflows|activities|workers)\/.*\.ts$/.test(path));
    const others = files.filter((path) =>
      /\b(by|of|from|for) \$\{(asProse\()?(\w+\??\.)?by\b|asProse\((\w+\.)?by\)/.test(
        readFileSync(join(repoRoot, path), 'utf8'),
      ),
    );
    expect(files.length).toBeGreaterThan(100);
    expect(others).toEqual([]);
  });
});
