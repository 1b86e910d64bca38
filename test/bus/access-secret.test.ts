import { parseAccessSecret } from '../../src/bus/credentials';

/** A tenant writes its own Secrets, and they are read in the main thread. */
it('takes no credentials from a Secret that would take long to parse', () => {
  for (const text of ['}'.repeat(500_000), `{${Array.from({ length: 90_000 }, (_, n) => n).join(',')}}`]) {
    expect(parseAccessSecret(text, 'auth')).toBeUndefined();
  }
  expect(parseAccessSecret('username: me\npassword: secret\n', 'auth')).toBeDefined();
});
