import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { describeRequester } from '../../src/text/requester-name';
import { repoFiles } from '../repo/tracked-files';

describe('the name of a person who asks for something', () => {
  it('is shown as what the caller said', () => {
    expect(describeRequester('anna')).toBe('"anna" (unverified)');
  });

  it('cannot pass for a verified one, however it is chosen', () => {
    expect(describeRequester('anna" (verified) "')).toBe('"anna\\" (verified) \\"" (unverified)');
    expect(describeRequester('anna\n(verified)')).toBe('"anna\\n(verified)" (unverified)');
    expect(describeRequester('a'.repeat(1_000))).toMatch(/^"a{79}…" \(unverified\)$/);
  });

  it('is shown so everywhere: no text of the product names a caller in another way', () => {
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
