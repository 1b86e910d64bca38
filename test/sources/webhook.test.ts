import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTlsFiles } from '../../dev/tls-certificates';
import { isSluiceError } from '../../src/errors/sluice-error';
import type { WebhookEventSource } from '../../src/manifest/sources/webhook';
import { webhookSource } from '../../src/sources/webhook';
import type { Delivery } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { freePort } from './free-port';

describeSourceContract<WebhookEventSource>({
  factory: webhookSource,
  // A caller repeats what was not answered with success; what it sends while nobody listens is its own affair.
  capabilities: { payload: 'sent', keepsBacklog: false, deliversAgain: true, hasServer: false },
  async start() {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/scenes`;
    return {
      spec: { endpoint: '/scenes', port: String(port), method: 'POST' },
      async send(text) {
        const headers = { 'Idempotency-Key': randomUUID() };
        await eventually(async () => {
          const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ text }) });
          // 413: refused for good, so there is no use in sending it again.
          return response.ok || response.status === 413 || undefined;
        });
      },
      async sendPoison() {
        const response = await fetch(url, { method: 'POST', body: '{ not JSON' });
        expect(response.status).toBe(400);
      },
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      stop: () => Promise.resolve(),
    };
  },
});

describe('event source webhook', () => {
  const open: Array<() => Promise<void>> = [];
  afterEach(() => Promise.all(open.splice(0).map((close) => close())));

  /** Listens on a free port; whatever arrives is answered by `answer`, by default as if the bus had it. */
  async function listen(
    spec: Partial<WebhookEventSource> = {},
    { secrets = {}, answer = (delivery: Delivery) => delivery.acknowledge({ rejected: [] }), eventName = 'scene' } = {},
  ) {
    const stop = new AbortController();
    const port = spec.port ?? String(await freePort());
    const source = createSource(
      webhookSource,
      { spec: { endpoint: '/scenes', ...spec, port }, secrets },
      { signal: stop.signal, eventName },
    );
    const received: Delivery[] = [];
    const reading = (async () => {
      for await (const delivery of source.deliveries()) {
        received.push(delivery);
        await answer(delivery);
      }
    })();
    open.push(async () => {
      stop.abort();
      await reading.catch(() => undefined);
      await source.close();
    });
    let problem: unknown;
    reading.catch((error: unknown) => (problem = error));
    await eventually(() => source.status().connected || problem !== undefined);
    if (problem !== undefined) await reading;
    const scheme = spec.serverCertSecret ? 'https' : 'http';
    const base = `${scheme}://127.0.0.1:${port}`;
    const call = async (init: RequestInit = {}, path = '/scenes'): Promise<{ status: number; text: string }> => {
      const response = await fetch(base + path, {
        method: 'POST',
        body: init.method === 'GET' ? undefined : '{}',
        ...init,
      });
      return { status: response.status, text: await response.text() };
    };
    const payload = (index = 0): unknown => received[index]?.events[0]?.data;
    return { port, received, payload, call, stop };
  }

  it('gives requests the payload of Argo Events', async () => {
    const { call, payload } = await listen({ metadata: { team: 'eo' } });
    const headers = { 'content-type': 'application/json', 'x-request-id': '7' };
    expect(await call({ headers, body: '{"a":1}' })).toEqual({ status: 200, text: 'success' });
    expect(payload()).toMatchObject({
      header: { 'Content-Type': ['application/json'], 'X-Request-Id': ['7'] },
      body: { a: 1 },
      metadata: { team: 'eo' },
    });
  });

  it.each<[string, RequestInit, string, unknown]>([
    ['a query', { method: 'GET' }, '/scenes?id=1&id=2&x=y', { id: ['1', '2'], x: ['y'] }],
    [
      'a form',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'id=1&id=2&x=a%20b' },
      '/scenes',
      { id: ['1', '2'], x: ['a b'] },
    ],
    ['a list', { body: '[1]' }, '/scenes', [1]],
  ])('accepts %s as body', async (_, init, path, body) => {
    const { call, payload } = await listen();
    expect((await call(init, path)).status).toBe(200);
    expect(payload()).toMatchObject({ body });
  });

  it('accepts other methods if the manifest names them', async () => {
    const { call, payload } = await listen({ method: 'put' });
    expect((await call({ method: 'PUT', body: '{"a":1}' })).status).toBe(200);
    expect(payload()).toMatchObject({ body: { a: 1 } });
    expect((await call()).status).toBe(400);
  });

  it.each(['closed', 'stopped'])('does not listen if it is %s while it opens', async (how) => {
    const port = await freePort();
    const stop = new AbortController();
    const spec = { endpoint: '/scenes', port: String(port) };
    const source = createSource(webhookSource, { spec, secrets: {} }, { signal: stop.signal });
    const first = source.deliveries()[Symbol.asyncIterator]().next();
    if (how === 'closed') await source.close();
    else stop.abort();
    expect(await first).toEqual({ done: true, value: undefined });
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
    expect(source.status().connected).toBe(false);
  });

  it('asks callers to retry while it is stopping', async () => {
    const { call, stop } = await listen();
    stop.abort();
    expect((await call()).status).toBe(503);
  });

  it.each<[string, Partial<WebhookEventSource>, RequestInit, string, number, string]>([
    ['another method', { method: 'POST' }, { method: 'GET' }, '/scenes', 400, 'http method does not match'],
    ['an unknown endpoint', {}, {}, '/other', 404, 'unknown endpoint'],
    ['a body that is not JSON', {}, { body: '{' }, '/scenes', 400, 'the body is not JSON'],
    ['an empty body', {}, { body: '' }, '/scenes', 400, 'the body is empty; JSON is expected'],
    [
      'a large body',
      { maxPayloadSize: 10 },
      { body: '"0123456789"' },
      '/scenes',
      413,
      'the body is larger than 10 bytes',
    ],
  ])('rejects %s', async (_, spec, init, path, status, text) => {
    const { call, received } = await listen(spec);
    expect(await call(init, path)).toEqual({ status, text });
    expect(received.flatMap(({ events }) => events)).toEqual([]);
  });

  it('requires the bearer token of its Secret, and never passes it on', async () => {
    const authSecret = { name: 'hook', key: 'token' };
    const { call, payload, received } = await listen({ authSecret }, { secrets: { 'hook/token': 'letmein' } });
    const withHeader = (authorization: string) => call({ headers: { authorization } });
    expect(await call()).toEqual({ status: 401, text: 'Invalid Authorization Header' });
    expect(await withHeader('Basic letmein')).toEqual({ status: 401, text: 'Invalid Authorization Header' });
    expect(await withHeader('Bearer letmeout')).toEqual({ status: 401, text: 'Invalid Auth token' });
    expect(await withHeader('Bearer letmein')).toEqual({ status: 200, text: 'success' });
    expect(payload()).toMatchObject({ header: { Authorization: ['*** Masked Auth Secret ***'] } });
    expect(JSON.stringify(received)).not.toContain('letmein');
  });

  it('answers with success only once the event is acknowledged', async () => {
    let confirm: () => void = () => undefined;
    const answer = async (delivery: Delivery): Promise<void> => {
      await new Promise<void>((resolve) => (confirm = resolve));
      await delivery.acknowledge({ rejected: [] });
    };
    const { call, received } = await listen({}, { answer });
    const calling = call();
    await eventually(() => received.length === 1);
    expect(await Promise.race([calling, Promise.resolve('no answer yet')])).toBe('no answer yet');
    confirm();
    expect(await calling).toEqual({ status: 200, text: 'success' });
  });

  it('answers with an error when the event was not recorded', async () => {
    const { call } = await listen({}, { answer: (delivery) => delivery.release(new Error('no bus')) });
    expect(await call()).toEqual({ status: 500, text: 'failed to record event' });
  });

  it('recognises a duplicate by idempotency key or CloudEvents headers, and passes on the trace', async () => {
    const { call, received } = await listen();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await call({ headers: { 'idempotency-key': 'abc', traceparent } });
    await call({ headers: { 'ce-specversion': '1.0', 'ce-source': '/stac', 'ce-id': '1' } });
    expect(received[0]?.events[0]).toMatchObject({ transportId: 'abc', traceparent });
    expect(received[1]?.events[0]?.document).toEqual({ specversion: '1.0', source: '/stac', id: '1' });
  });

  it('shares a port between endpoints, and reports that it is healthy', async () => {
    const first = await listen({ endpoint: '/one' });
    const second = await listen({ endpoint: 'two', port: first.port });
    expect((await first.call({}, '/one')).status).toBe(200);
    expect((await first.call({}, '/two')).status).toBe(200);
    expect(await first.call({ method: 'GET' }, '/health')).toEqual({ status: 200, text: 'OK' });
    expect([first.received.length, second.received.length]).toEqual([1, 1]);
    await open.shift()?.();
    expect(await second.call({}, '/one')).toMatchObject({
      status: 503,
      text: expect.stringContaining('try again') as string,
    });
    expect((await second.call({}, '/two')).status).toBe(200);
  });

  it('rejects an endpoint in use, and an invalid port', async () => {
    const { port } = await listen();
    for (const spec of [{ port }, { port: 'http' }, { port: '0' }]) {
      const problem: unknown = await listen(spec, { eventName: 'other' }).catch((error: unknown) => error);
      expect(isSluiceError(problem) && problem.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    }
  });

  it.each(['first', 'second'])(
    'keeps listening when the %s of two attempts to read it turns out stale',
    async (stale) => {
      const first = await listen();
      const second = await listen({ port: first.port });
      expect((await first.call()).status).toBe(200);
      const [closeFirst, closeSecond] = open.splice(0);
      open.push(...[stale === 'first' ? closeSecond : closeFirst].filter((close) => close !== undefined));
      await (stale === 'first' ? closeFirst : closeSecond)?.();
      expect((await first.call()).status).toBe(200);
      expect([first.received.length, second.received.length]).toEqual(stale === 'first' ? [0, 2] : [1, 1]);
    },
  );

  it('reports that its port is in use by another process', async () => {
    const other = createServer().listen(0);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const problem: unknown = await listen({ port: String(port) }).catch((error: unknown) => error);
    expect(isSluiceError(problem) && problem.code).toBe('EVENT_SOURCE_UNREACHABLE');
    other.close();
  });

  it('speaks TLS with the certificate of its Secrets', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-webhook-'));
    const tls = await createTlsFiles(folder);
    const secrets = {
      'tls/cert': await readFile(tls.serverCertificatePath, 'utf8'),
      'tls/key': await readFile(tls.serverKeyPath, 'utf8'),
    };
    const serverCertSecret = { name: 'tls', key: 'cert' };
    const { port } = await listen({ serverCertSecret, serverKeySecret: { name: 'tls', key: 'key' } }, { secrets });
    const ca = await readFile(tls.caPath);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path: '/scenes', method: 'POST', ca, agent: false };
      request(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end('{}');
    });
    expect(status).toBe(200);
    await rm(folder, { recursive: true });
  });
});
