import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubernetesClient } from '../../src/kubernetes/client';
import type { KubernetesConnection } from '../../src/kubernetes/kubernetes-connection';
import { failureOf } from '../setup/failure';

/** What a real API server does not do on demand: overload, silence, broken connections. */
let server: Server | undefined;
let client: KubernetesClient;
let answer: RequestListener = (_request, response) => response.end('{}');
let connections = 0;
let tokens = ['first'];

beforeAll(async () => {
  server = createServer((request, response) => answer(request, response));
  server.keepAliveTimeout = 0;
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const connection: KubernetesConnection = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: 'default',
    origin: 'a test',
    tls: {},
    authorization: () => `Bearer ${tokens[0]}`,
    renew: () => tokens.shift(),
  };
  client = new KubernetesClient(connection, { timeoutMs: 5_000 });
});
afterAll(() => {
  client.close();
  server?.closeAllConnections();
  server?.close();
});

const get = (options: { signal?: AbortSignal; timeoutMs?: number } = {}) =>
  client.request({ method: 'GET', path: '/api', ...options });
const status = (code: number, reason: string, extra: object = {}) =>
  JSON.stringify({ kind: 'Status', code, reason, message: `because ${reason}`, ...extra });

describe('answers of the API server', () => {
  it.each([
    [429, 'TooManyRequests', { 'retry-after': '7' }, {}, true, 7_000],
    [503, 'ServiceUnavailable', {}, { details: { retryAfterSeconds: 2 } }, true, 2_000],
    [500, 'InternalError', {}, {}, true, undefined],
    [504, 'Timeout', {}, {}, true, undefined],
    [409, 'Conflict', {}, {}, true, undefined],
    [409, 'AlreadyExists', {}, {}, false, undefined],
    [403, 'Forbidden', {}, {}, false, undefined],
    [403, 'Forbidden', {}, { message: 'pods "x" is forbidden: exceeded quota: q' }, true, undefined],
    [403, 'Forbidden', {}, { message: 'x is forbidden: RBAC: role "r" not found' }, true, undefined],
    [422, 'Invalid', {}, {}, false, undefined],
    [400, 'BadRequest', {}, {}, false, undefined],
    [404, 'NotFound', {}, {}, false, undefined],
  ])('%i %s determines whether and when to retry', async (code, reason, headers, extra, retryable, retryAfterMs) => {
    answer = (_request, response) => response.writeHead(code, headers).end(status(code, reason, extra));
    const error = await failureOf(get());
    expect(error).toMatchObject({
      code: 'KUBERNETES_REFUSED',
      retryable,
      retryAfterMs,
      context: { status: code, reason },
    });
    expect(error.message).toContain(`${code}`);
  });

  it('in plain text are understood too', async () => {
    answer = (_request, response) => response.writeHead(502).end('upstream is down');
    const error = await failureOf(get());
    expect(error).toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: true });
    expect(error.message).toContain('upstream is down');
  });

  it.each(['<html>login</html>', '"ready"', 'null', '[]'])(
    'that are not from Kubernetes are reported as such: %s',
    async (body) => {
      answer = (_request, response) => response.end(body);
      expect(await failureOf(get())).toMatchObject({ code: 'KUBERNETES_UNREACHABLE', retryable: true });
    },
  );

  it('401 makes the client reload its credentials, once', async () => {
    tokens = ['expired', 'fresh'];
    answer = (request, response) => {
      if (request.headers.authorization === 'Bearer fresh') response.end('{"ok":true}');
      else response.writeHead(401).end(status(401, 'Unauthorized'));
    };
    expect(await get()).toEqual({ ok: true });
    tokens = ['expired', 'expired too', 'unused'];
    expect(await failureOf(get())).toMatchObject({ context: { status: 401 }, retryable: false });
    expect(tokens).toEqual(['expired too', 'unused']);
  });
});

describe('connections', () => {
  it('are kept alive: many requests, few connections', async () => {
    answer = (_request, response) => response.end('{}');
    connections = 0;
    for (let round = 0; round < 20; round++) await get();
    expect(connections).toBeLessThanOrEqual(1);
  });

  it('that the server closed while idle are replaced silently', async () => {
    answer = (_request, response) => response.end('{}');
    await get();
    let isFirst = true;
    answer = (request, response) => {
      if (isFirst) request.socket.resetAndDestroy();
      else response.end('{"again":true}');
      isFirst = false;
    };
    expect(await get()).toEqual({ again: true });
  });

  it('that break during a response are a transient failure', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"a":');
      setImmediate(() => request.socket.destroy());
    };
    expect(await failureOf(get())).toMatchObject({ code: 'KUBERNETES_UNREACHABLE', retryable: true });
  });

  it('that stay silent time out', async () => {
    answer = () => undefined;
    expect(await failureOf(get({ timeoutMs: 50 }))).toMatchObject({ code: 'KUBERNETES_UNREACHABLE', retryable: true });
  });

  it('end with the signal and its reason', async () => {
    answer = () => undefined;
    const abort = new AbortController();
    const pending = get({ signal: abort.signal });
    abort.abort(new Error('the worker shuts down'));
    await expect(pending).rejects.toThrow('the worker shuts down');
  });

  it('to an unreachable server are a transient failure that names the origin of the address', async () => {
    const nowhere = new KubernetesClient({ ...client.connection, server: 'http://127.0.0.1:1' });
    const error = await failureOf(nowhere.request({ method: 'GET', path: '/api' }));
    expect(error).toMatchObject({ code: 'KUBERNETES_UNREACHABLE', retryable: true });
    expect(error.fix).toContain('a test');
    nowhere.close();
  });
});
