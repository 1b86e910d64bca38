import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyText } from '../payloads/key-text';
import { runSluice, type CliRun } from './run-cli-for-test';

const env = { SLUICE_PAYLOAD_KEYS: `k: ${keyText(1)}`, SLUICE_PAYLOAD_KEYS_FILE: '' };

describe('sluice codec-server', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-codec-server-'));
    await writeFile(join(folder, 'tokens'), `ada: ${'a'.repeat(40)}\n`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Ends the server as soon as it has said where it is. */
  async function serve(...argv: readonly string[]): Promise<CliRun> {
    const stop = new AbortController();
    const onOutput = (): void => stop.abort();
    return await runSluice(['codec-server', '--port', '0', '-o', 'name', ...argv], {
      env,
      signal: stop.signal,
      onOutput,
    });
  }

  it('listens on this machine only, with a generated token, and rejects other web origins', async () => {
    const { exitCode, stdout, stderr } = await serve();
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\n$/)]);
    expect(stderr).toMatch(/Token, valid until this server stops: [\w-]{43}/);
    expect(stderr).toContain('No web origin is allowed: allow the Temporal UI with --origin.');
  });

  it('shows no token if callers are named in a file', async () => {
    const { exitCode, stderr } = await serve(
      '--token-file',
      join(folder, 'tokens'),
      '--origin',
      'http://localhost:8233/',
    );
    expect([exitCode, stderr]).toEqual([0, '']);
  });

  it.each<readonly [string, readonly string[], RegExp]>([
    ['plain-text payloads over the network', ['--host', '0.0.0.0'], /over the network in clear/],
    ['the network without callers', ['--host', '0.0.0.0', '--behind-tls-proxy'], /no accepted callers/],
    ['JWTs without an audience', ['--jwks-url', 'https://x/keys', '--jwt-issuer', 'https://x/'], /--jwt-audience/],
    [
      'keys of JWTs over HTTP',
      ['--jwks-url', 'http://x/k', '--jwt-issuer', 'i', '--jwt-audience', 'a'],
      /not an https address/,
    ],
    ['any web page', ['--origin', '*'], /--origin \* is not an origin/],
    ['an address as an origin', ['--origin', 'https://x/ui'], /is not an origin/],
    ['a claim without a value', ['--require-claim', 'x'], /--jwks-url/],
    ['a certificate without its key', ['--tls-cert', 'x'], /belong together/],
    ['an invalid port', ['--port', '99999'], /is not a port/],
    ['a missing file of tokens', ['--token-file', '/does/not/exist'], /cannot be read/],
  ])('rejects %s', async (_what, argv, message) => {
    const { exitCode, stderr } = await serve(...argv);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('requires the keys', async () => {
    const none = { env: { SLUICE_PAYLOAD_KEYS: '', SLUICE_PAYLOAD_KEYS_FILE: '' } };
    const { exitCode, stderr } = await runSluice(['codec-server', '--port', '0'], none);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('SLUICE_PAYLOAD_KEYS_FILE')]);
  });
});
