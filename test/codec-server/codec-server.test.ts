/** The protocol, and who gets an answer, over real HTTP. */
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultPayloadConverter } from '@temporalio/common';
import { pino } from 'pino';
import { acceptJwts, anyOf, readTokens } from '../../src/codec-server/callers';
import { startCodecServer, type CodecServer } from '../../src/codec-server/codec-server';
import { writePayloads } from '../../src/codec-server/remote-codec';
import { PayloadEncryption } from '../../src/payloads/payload-encryption';
import { keyText, refuseWarnings } from '../payloads/key-text';

const TOKEN = 'a'.repeat(40);
const ORIGIN = 'https://temporal.example.com';
const ISSUER = 'https://login.example.com/';
const CANARY = 'canary-value';

const encryption = PayloadEncryption.read({ SLUICE_PAYLOAD_KEYS: `k: ${keyText(1)}` }, { warn: refuseWarnings });

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

describe('the codec server', () => {
  let server: CodecServer;
  let issuer: { readonly server: Server; readonly url: string; sign(claims: object): Promise<string> };
  const written: string[] = [];

  beforeAll(async () => {
    issuer = await startIssuer();
    server = await startCodecServer({
      host: '127.0.0.1',
      port: 0,
      isBehindTls: false,
      origins: [ORIGIN],
      checkToken: anyOf([
        readTokens(`# people\nada: ${TOKEN}\n`, 'tokens'),
        await acceptJwts({ jwksUrl: issuer.url, issuer: ISSUER, audience: 'codec', claims: [['groups', 'sluice']] }),
      ]),
      codecs: new Map([['default', encryption.codecFor('default')]]),
      log: pino({ level: 'info' }, { write: (line: string) => void written.push(line) }),
    });
  });
  afterAll(async () => {
    await server.close();
    issuer.server.close();
  });

  const ask = async (
    path: string,
    headers: Record<string, string>,
    body?: string,
    method = 'POST',
  ): Promise<Answer> => {
    const response = await fetch(`${server.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  const usual = { 'content-type': 'application/json', 'x-namespace': 'default', authorization: `Bearer ${TOKEN}` };
  const without = (name: keyof typeof usual): Record<string, string> =>
    Object.fromEntries(Object.entries(usual).filter(([key]) => key !== name));
  const plain = (): string => {
    const payload = defaultPayloadConverter.toPayload(CANARY);
    return JSON.stringify(writePayloads(payload ? [payload] : []));
  };
  const encrypted = async (): Promise<string> => (await ask('/encode', usual, plain())).text;

  it('encodes and decodes, and logs the caller without the payloads', async () => {
    const encoded = await encrypted();
    expect(encoded).not.toContain(Buffer.from(CANARY).toString('base64').slice(0, 10));
    const decoded = await ask('/decode', usual, encoded);
    expect([decoded.status, JSON.parse(decoded.text)]).toEqual([200, JSON.parse(plain())]);
    expect(written.at(-1)).toMatch(/"by":"ada","action":"decode","namespace":"default","payloads":1/);
    expect(written.join()).not.toMatch(new RegExp(`${CANARY}|${TOKEN}`));
  });

  it('rejects requests without a token', async () => {
    const body = await encrypted();
    for (const authorization of ['', 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, 'Bearer undefined', TOKEN]) {
      const answer = await ask('/decode', { ...usual, authorization }, body);
      expect([authorization, answer.status, answer.headers.get('www-authenticate')]).toEqual([
        authorization,
        401,
        'Bearer',
      ]);
      expect(answer.text).not.toContain(CANARY);
    }
    expect((await ask('/decode', without('authorization'), body)).status).toBe(401);
  });

  it('accepts only JWTs of its issuer, for its audience, with the required claims', async () => {
    const body = await encrypted();
    const good = { iss: ISSUER, aud: 'codec', sub: 'ada', groups: ['users', 'sluice'], exp: Date.now() / 1_000 + 60 };
    const statusOf = async (claims: object): Promise<number> =>
      (await ask('/decode', { ...usual, authorization: `Bearer ${await issuer.sign(claims)}` }, body)).status;
    expect(await statusOf(good)).toBe(200);
    expect(written.at(-1)).toContain('"by":"ada"');
    for (const change of [
      { iss: 'https://other.example.com/' },
      { aud: 'another program' },
      { groups: ['users'] },
      { groups: undefined },
      { exp: Date.now() / 1_000 - 60 },
      { exp: undefined },
    ]) {
      expect([change, await statusOf({ ...good, ...change })]).toEqual([change, 401]);
    }
    const [header = '', claims = ''] = (await issuer.sign(good)).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (const forged of [`${none}.${claims}.`, `${header}.${claims}.AAAA`]) {
      expect((await ask('/decode', { ...usual, authorization: `Bearer ${forged}` }, body)).status).toBe(401);
    }
  });

  it('accepts calls of web pages from named origins only, with credentials', async () => {
    const allowed = await ask('/decode', { ...usual, origin: ORIGIN }, await encrypted());
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(allowed.headers.get('access-control-allow-credentials')).toBe('true');
    const preflight = await ask(
      '/decode',
      { origin: ORIGIN, 'access-control-request-method': 'POST' },
      undefined,
      'OPTIONS',
    );
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      204,
      'Authorization, Authorization-Extras, Content-Type, X-Namespace',
    ]);
    for (const origin of ['https://evil.example.com', 'null', 'http://temporal.example.com', `${ORIGIN}.evil.com`]) {
      for (const method of ['OPTIONS', 'POST']) {
        const body = method === 'POST' ? await encrypted() : undefined;
        const answer = await ask('/decode', { ...usual, origin }, body, method);
        expect([origin, answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([origin, 403, null]);
      }
    }
  });

  it('lets users sign in with a token, for web pages that cannot pass one', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const refused = await ask('/sign-in', form, 'token=wrong');
    expect([refused.status, refused.headers.get('set-cookie')]).toEqual([401, null]);
    expect((await ask('/sign-in', { ...form, origin: 'https://evil.example.com' }, `token=${TOKEN}`)).status).toBe(403);
    const signedIn = await ask('/sign-in', { ...form, origin: server.url }, `token=${TOKEN}`);
    const cookie = signedIn.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^sluice-codec=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=28800$/);
    const session = { ...without('authorization'), cookie: `other=1; ${cookie.split(';')[0] ?? ''}` };
    const body = await encrypted();
    expect((await ask('/decode', { ...session, origin: ORIGIN }, body)).status).toBe(200);
    expect((await ask('/decode', { ...session, origin: 'https://evil.example.com' }, body)).status).toBe(403);
    expect((await ask('/decode', session, body)).status).toBe(401);
    expect((await ask('/decode', { ...session, origin: ORIGIN, cookie: 'sluice-codec=x' }, body)).status).toBe(401);
  });

  it('serves the given namespaces, and rejects payloads of others', async () => {
    const body = await encrypted();
    // Temporal's command names none for the default one.
    expect((await ask('/decode', without('x-namespace'), body)).status).toBe(200);
    expect((await ask('/decode', { ...usual, 'x-namespace': 'other' }, body)).status).toBe(403);
    const payloads = await encryption.codecFor('other').encode([defaultPayloadConverter.toPayload(CANARY) ?? {}]);
    const answer = await ask('/decode', usual, JSON.stringify(writePayloads(payloads)));
    expect([answer.status, answer.text]).toEqual([
      422,
      expect.stringMatching(/namespace \\"other\\".*PAYLOAD_UNREADABLE/),
    ]);
  });

  it.each([
    ['no payloads', '{}', 400],
    ['nothing', '', 400],
    ['an invalid payload', '{"payloads": [1]}', 400],
    ['data that is not base64', '{"payloads": [{"data": "*"}]}', 400],
    ['metadata that is a list', '{"payloads": [{"metadata": [], "data": ""}]}', 400],
    ['50,000 nested lists', `{"payloads": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 400],
    ['10,001 payloads', `{"payloads": [${Array(10_001).fill('{}').join()}]}`, 400],
    ['9 MiB', `{"payloads": [{"data": "${'A'.repeat(9 * 1024 * 1024)}"}]}`, 413],
    ['an empty list', '{"payloads": []}', 200],
    ['an empty payload', '{"payloads": [{}]}', 200],
  ])('bounds requests, and rejects malformed ones: %s', async (_what, body, status) => {
    // The server may end the connection in the midst of a body that it does not read.
    const answer = await ask('/decode', usual, body).catch(() => ({ status: 413 }));
    expect(answer.status).toBe(status);
  });

  it('reads no body of a caller without a token, and accepts only POST and JSON', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = httpRequest(`${server.url}/decode`, {
        method: 'POST',
        headers: { ...usual, authorization: 'Bearer x' },
      });
      asked.on('response', (response) => resolve(response.statusCode)).on('error', reject);
      // Begins a body, and never ends it.
      asked.write('{');
    });
    expect(status).toBe(401);
    // Anybody may send the form of the sign-in page: only as much as a token needs.
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const flood = await ask('/sign-in', form, `token=${'x'.repeat(100_000)}`).catch(() => ({ status: 413 }));
    expect(flood.status).toBe(413);
    expect((await ask('/decode', { ...usual, 'content-type': 'text/plain' }, await encrypted())).status).toBe(415);
    expect((await ask('/decode', usual, undefined, 'GET')).status).toBe(405);
    expect((await ask('/keys', usual, undefined, 'GET')).status).toBe(404);
    expect((await ask('/healthz', {}, undefined, 'GET')).status).toBe(200);
    const signIn = await ask('/', {}, undefined, 'GET');
    expect([signIn.status, signIn.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringContaining("frame-ancestors 'none'"),
    ]);
  });

  it.each([
    ['nothing', '', /holds no token/],
    ['a short token', `ada: short`, /line 1 has a token of 5 characters, expected at least 32/],
    ['a token without a name', TOKEN, /line 1 is not of the form "name: token"/],
    ['a name twice', `ada: ${TOKEN}\nada: ${TOKEN}`, /line 2 names "ada" again/],
  ])('rejects an unsafe list of tokens: %s', (_what, text, message) => {
    expect(() => readTokens(text, 'tokens')).toThrow(message);
    expect(() => readTokens(text, 'tokens')).not.toThrow(TOKEN);
  });
});

describe('JWTs of an issuer without reachable keys', () => {
  it.each([
    ['answers 503', 503, '{}'],
    ['answers with a page', 200, '<html>'],
    ['answers without keys', 200, '{}'],
  ])('are not reported as unknown if it %s', async (_what, status, body) => {
    const issuer = await startIssuer({ status, body });
    try {
      const check = await acceptJwts({ jwksUrl: issuer.url, issuer: ISSUER, audience: 'codec', claims: [] });
      const token = await issuer.sign({ iss: ISSUER, aud: 'codec', sub: 'ada', exp: Date.now() / 1_000 + 60 });
      await expect(check(token)).rejects.toThrow(/JSON Web Key Set/);
    } finally {
      issuer.server.close();
    }
  });
});

async function startIssuer(fault?: { readonly status: number; readonly body: string }) {
  const { exportJWK, generateKeyPair, SignJWT } = await import('jose');
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg: 'ES256' }] });
  const server = createServer((_request, response) => {
    response.writeHead(fault?.status ?? 200, { 'content-type': 'application/json' }).end(fault?.body ?? keys);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    sign: (claims: object) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: '1' }).sign(privateKey),
  };
}
