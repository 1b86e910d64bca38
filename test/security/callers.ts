/** Callers of webhooks that identify themselves in every way that is used. */
import http from 'node:http';
import https from 'node:https';
import type { Canaries } from './canaries';
import type { WebhookPorts } from './canary-manifests';

export interface Call {
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly expected: number;
}

/** @param token the one that `/go` takes */
export function callsWithCredentials(canaries: Canaries, token: string, control: string): Call[] {
  const plant = (kind: string): string => canaries.plant(`caller's ${kind}`);
  const json = { 'content-type': 'application/json' };
  const address = (kind: string): string =>
    `https://me:${plant(`password in ${kind}`)}@a.example/in?page=2&access_token=${plant(`token in ${kind}`)}`;
  const headers = {
    ...json,
    authorization: `Bearer ${plant('Authorization')}`,
    cookie: `session=${plant('Cookie')}`,
    'x-api-key': plant('X-Api-Key'),
    'proxy-authorization': `Basic ${Buffer.from(`me:${plant('Proxy-Authorization')}`).toString('base64')}`,
    'x-gitlab-token': plant('X-Gitlab-Token'),
    'x-hub-signature-256': `sha256=${plant('X-Hub-Signature-256')}`,
    referer: address('Referer'),
    'x-original-url': address('X-Original-Url'),
    link: `<${address('Link')}>; rel="next"`,
  };
  const basic = `Basic ${Buffer.from(`me:${plant('password of basic auth')}`).toString('base64')}`;
  const query = ['token', 'key', 'code', 'api_key', 'sig', 'client_secret', 'otp']
    .map((name) => `${name}=${plant(`query parameter ${name}`)}`)
    .join('&');
  const nested = encodeURIComponent(`https://a.example/?token=${plant('token in an address in a query')}`);
  const body = JSON.stringify({ n: 1, control });
  const wrong = { ...json, authorization: `Bearer ${plant('wrong bearer token')}` };
  return [
    { path: '/called', method: 'POST', headers, body, expected: 200 },
    { path: '/called', method: 'POST', headers: { ...json, authorization: basic }, body, expected: 200 },
    { path: `/called?${query}&next=${nested}`, method: 'GET', expected: 200 },
    { path: `/called?${query}`, method: 'POST', headers, body, expected: 200 },
    { path: `/called?${query}`, method: 'PUT', headers, body, expected: 400 },
    { path: `/called?${query}`, method: 'POST', headers, body: '{', expected: 400 },
    { path: `/called?${query}`, method: 'POST', headers, body: `"${'x'.repeat(1_100_000)}"`, expected: 413 },
    { path: `/nowhere?${query}`, method: 'POST', headers, body, expected: 404 },
    { path: `/go?${query}`, method: 'POST', headers: wrong, body, expected: 401 },
    { path: `/go?${query}`, method: 'POST', headers: { ...headers, authorization: basic }, body, expected: 401 },
    { path: '/go', method: 'POST', headers: { ...headers, authorization: `Bearer ${token}` }, body, expected: 200 },
  ];
}

/** Answers the status. */
export async function call(
  { path, method, headers = {}, body }: Omit<Call, 'expected'>,
  port: number,
): Promise<number> {
  return await send(http.request({ host: '127.0.0.1', port, path, method, headers }), body);
}

/** The same over TLS, to the endpoint that has a certificate. */
export async function callEncrypted(one: Call, { tls: port }: WebhookPorts): Promise<number> {
  const { method, headers, body } = one;
  const options = { host: '127.0.0.1', port, path: '/encrypted', method, headers, rejectUnauthorized: false };
  return await send(https.request(options), body);
}

async function send(request: http.ClientRequest, body: string | undefined): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.end(body);
  });
}
