import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { createTlsFiles, type TlsFiles } from '../../dev/tls-certificates';
import { describeError } from '../../src/errors/sluice-error';
import { httpTrigger, type HttpTemplate } from '../../src/triggers/http';
import type { FireRequest, FireResult } from '../../src/triggers/trigger';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { createTriggerWorld, failureOf, fireRequest, SCENE_EVENT } from './trigger-world';

interface ReceivedRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly clientName?: string;
}

interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly requests: ReceivedRequest[];
  connections: number;
  /** How to answer from now on. */
  answer: http.RequestListener;
  stop(): Promise<void>;
}

async function startReceiver(tls?: https.ServerOptions): Promise<Receiver> {
  const serve: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const peer = tls ? (request.socket as TLSSocket).getPeerCertificate() : undefined;
      const { method, url: path, headers, rawHeaders } = request;
      const clientName = peer?.subject?.CN;
      receiver.requests.push({
        ...{ method, path, headers, rawHeaders, body: Buffer.concat(chunks).toString() },
        ...(typeof clientName === 'string' ? { clientName } : {}),
      });
      receiver.answer(request, response);
    });
  };
  const server = tls ? https.createServer(tls, serve) : http.createServer(serve);
  server.on('connection', () => (receiver.connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests: [],
    connections: 0,
    answer: (_request, response) => response.end('thanks'),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

const world = createTriggerWorld({
  'login/user': 'ada',
  'login/password': 'open-sesame',
  'api/key': 'sk-very-secret',
  'settings/team': 'water',
});

async function fire(
  template: HttpTemplate,
  more: Partial<Omit<FireRequest<HttpTemplate>, 'template'>> = {},
  from = world,
): Promise<FireResult> {
  const trigger = httpTrigger.create(from);
  try {
    return await trigger.fire(fireRequest(template, more));
  } finally {
    await trigger.close();
  }
}

describeTriggerContract<HttpTemplate>({
  factory: httpTrigger,
  hasKey: true,
  asksToWait: true,
  hasShortLimit: true,
  async start() {
    const receiver = await startReceiver();
    return {
      port: receiver.port,
      secrets: { 'api/key': 'sk-very-secret' },
      leadTo: (port) => ({
        url: `http://127.0.0.1:${port}/hook`,
        timeout: 2,
        secureHeaders: [{ name: 'X-Key', valueFrom: { secretKeyRef: { name: 'api', key: 'key' } } }],
      }),
      keys: () => receiver.requests.map(({ headers }) => headers['idempotency-key']?.toString()),
      refuse: () => void (receiver.answer = (_request, response) => response.writeHead(400).end('sk-very-secret')),
      throttle: (seconds) =>
        void (receiver.answer = (_request, response) =>
          response.writeHead(429, { 'retry-after': String(seconds) }).end()),
      stop: () => receiver.stop(),
    };
  },
});

describe('the http trigger', () => {
  let receiver: Receiver;
  beforeEach(async () => (receiver = await startReceiver()));
  afterEach(() => receiver.stop());

  it('posts the payload as JSON, with the id of the fire', async () => {
    const result = await fire({ url: `${receiver.url}/hook?token=abc` }, { payload: { scene: 'S2A' } });
    expect(receiver.requests).toEqual([expect.objectContaining({ method: 'POST', path: '/hook?token=abc' })]);
    expect(receiver.requests[0]).toMatchObject({
      body: '{"scene":"S2A"}',
      headers: { 'content-type': 'application/json', 'content-length': '15', 'idempotency-key': 'fire-1' },
    });
    expect(result).toEqual({
      kind: 'response',
      status: 200,
      summary: `POST ${receiver.url}/hook answered 200`,
    });
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE'] as const)('uses the method %s', async (method) => {
    await fire({ url: receiver.url, method });
    expect(receiver.requests).toEqual([expect.objectContaining({ method, body: '' })]);
  });

  it.each([
    ['a whole JSON document', '{"a":1}', 'application/json'],
    ['a whole text', 'just words', 'text/plain; charset=utf-8'],
  ])('sends %s as it is', async (_case, payload, contentType) => {
    await fire({ url: receiver.url }, { payload });
    expect(receiver.requests).toEqual([expect.objectContaining({ body: payload })]);
    expect(receiver.requests[0]?.headers['content-type']).toBe(contentType);
  });

  it('lets headers win in the order headers, dynamicHeaders, secureHeaders, basicAuth', async () => {
    const secure = (name: string) => ({ name, valueFrom: { secretKeyRef: { name: 'api', key: 'key' } } });
    await fire(
      {
        url: receiver.url,
        headers: { 'x-a': 'header', 'x-b': 'header', 'x-c': 'header', authorization: 'header' },
        secureHeaders: [
          secure('X-C'),
          secure('Authorization'),
          { name: 'X-Team', valueFrom: { configMapKeyRef: { name: 'settings', key: 'team' } } },
        ],
        basicAuth: { username: { name: 'login', key: 'user' }, password: { name: 'login', key: 'password' } },
      },
      { dynamicHeaders: { 'x-b': 'dynamic', 'x-c': 'dynamic' } },
    );
    expect(receiver.requests[0]?.headers).toMatchObject({
      'x-a': 'header',
      'x-b': 'dynamic',
      'x-c': 'sk-very-secret',
      'x-team': 'water',
      authorization: `Basic ${Buffer.from('ada:open-sesame').toString('base64')}`,
    });
  });

  it('sends header names exactly as written, and lets the manifest override defaults', async () => {
    const headers = { xX_odd: '1', 'content-TYPE': 'application/cloudevents+json', 'Idempotency-key': 'mine' };
    await fire({ url: receiver.url, headers, host: 'hooks.example.com' }, { payload: {} });
    const [request] = receiver.requests;
    expect(request?.rawHeaders).toEqual(expect.arrayContaining(['xX_odd', 'content-TYPE', 'Idempotency-key', 'mine']));
    expect(request?.headers).toMatchObject({
      host: 'hooks.example.com',
      'content-type': 'application/cloudevents+json',
      'idempotency-key': 'mine',
    });
  });

  it.each([
    ['Content-Length', '400'],
    ['content-length', '400'],
    ['transfer-encoding', 'chunked'],
  ])('does not let the header %s of one fire corrupt the next request', async (name, value) => {
    const headers = { [name]: value };
    const trigger = httpTrigger.create(world);
    // Answers before the body has arrived, as most servers do for an unknown path.
    const server = http.createServer((request, response) => {
      if (request.url === '/first') response.writeHead(404).end();
      else request.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await failureOf(trigger.fire(fireRequest({ url: `${url}/first`, headers })));
      const second = trigger.fire(fireRequest({ url: `${url}/second`, timeout: 5 }, { payload: { a: 1 } }));
      await expect(second).resolves.toMatchObject({ status: 200 });
    } finally {
      await trigger.close();
      server.closeAllConnections();
      server.close();
    }
  });

  it('reuses connections, and reconnects if the receiver has closed them', async () => {
    const trigger = httpTrigger.create(world);
    await trigger.fire(fireRequest({ url: receiver.url }));
    await trigger.fire(fireRequest({ url: receiver.url }));
    expect(receiver.connections).toBe(1);
    receiver.answer = (request, response) => {
      receiver.answer = (_request, retried) => retried.end();
      if (receiver.requests.length === 3) request.socket.destroy();
      else response.end();
    };
    await expect(trigger.fire(fireRequest({ url: receiver.url }))).resolves.toMatchObject({ status: 200 });
    expect(receiver.connections).toBe(2);
    await trigger.close();
  });

  it('keeps the connections of a burst for the next one', async () => {
    const trigger = httpTrigger.create(world);
    const waiting: http.ServerResponse[] = [];
    receiver.answer = (_request, response) => {
      // All calls of a burst are under way together.
      if (waiting.push(response) % 100 === 0) for (const each of waiting.splice(0)) each.end();
    };
    const burst = () =>
      Promise.all(Array.from({ length: 100 }, () => trigger.fire(fireRequest({ url: receiver.url }))));
    await burst();
    await burst();
    expect(receiver.requests).toHaveLength(200);
    expect(receiver.connections).toBe(100);
    await trigger.close();
  });

  it.each([200, 201, 204])('treats status %d as success', async (status) => {
    receiver.answer = (_request, response) => response.writeHead(status).end();
    await expect(fire({ url: receiver.url })).resolves.toMatchObject({ status });
  });

  it.each([
    ['permanently', 301, false],
    ['permanently', 400, false],
    ['permanently', 404, false],
    ['permanently', 501, false],
    ['transiently', 408, true],
    ['transiently', 425, true],
    ['transiently', 429, true],
    ['transiently', 500, true],
    ['transiently', 503, true],
  ])('fails %s after status %d', async (_fate, status, retryable) => {
    receiver.answer = (_request, response) => response.writeHead(status, { location: '/elsewhere' }).end();
    const failure = await failureOf(fire({ url: receiver.url }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable, context: { status } });
    expect(receiver.requests).toHaveLength(1);
  });

  it('lets policy.status.allow override the default', async () => {
    const policy = { status: { allow: [404, 503] } };
    receiver.answer = (_request, response) => response.writeHead(404).end();
    await expect(fire({ url: receiver.url }, { policy })).resolves.toMatchObject({ status: 404 });
    receiver.answer = (_request, response) => response.writeHead(200).end();
    const failure = await failureOf(fire({ url: receiver.url }, { policy }));
    expect(failure).toMatchObject({ code: 'TRIGGER_POLICY_FAILED', retryable: false });
  });

  it('waits for the delay that the receiver requests', async () => {
    receiver.answer = (_request, response) => response.writeHead(429, { 'retry-after': '7' }).end();
    expect(await failureOf(fire({ url: receiver.url }))).toMatchObject({ retryable: true, retryAfterMs: 7_000 });
  });

  it('never quotes the response, which could leak internal addresses to a Sensor', async () => {
    const answers: [number, number[] | undefined][] = [
      [400, undefined],
      [200, [404]],
    ];
    for (const [status, allow] of answers) {
      receiver.answer = (_request, response) => response.writeHead(status).end('internal credentials');
      const policy = allow && { status: { allow } };
      const failure = await failureOf(fire({ url: `${receiver.url}/?token=t0ken` }, { policy }));
      expect(describeError(failure)).toContain(`answered ${status}`);
      expect(describeError(failure)).not.toMatch(/internal|credentials|t0ken/);
    }
  });

  it.each(['http://169.254.169.254/latest/meta-data', 'http://[::ffff:169.254.169.254]/', 'http://0xa9fea9fe/'])(
    'sends nothing to the link-local address %s',
    async (url) => {
      const failure = await failureOf(fire({ url }));
      expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
      expect(failure.message).toContain('is blocked');
    },
  );

  it('does not read an endless response to its end', async () => {
    receiver.answer = (_request, response) => {
      const send = () => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
      };
      response.on('drain', send);
      send();
    };
    await expect(fire({ url: receiver.url })).resolves.toMatchObject({ status: 200 });
  });

  it('fails transiently after a timeout', async () => {
    receiver.answer = () => undefined;
    const failure = await failureOf(fire({ url: receiver.url, timeout: 1 }));
    expect(failure).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
  });

  it('fails transiently if the connection is refused', async () => {
    await receiver.stop();
    const failure = await failureOf(fire({ url: receiver.url }));
    expect(failure).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
  });

  it("passes on the latest event's trace, unless the manifest sets the header", async () => {
    const early = {
      ...SCENE_EVENT,
      time: '2026-01-01T00:00:00Z',
      traceparent: `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`,
    };
    const late = {
      ...SCENE_EVENT,
      time: '2026-01-02T00:00:00Z',
      traceparent: `00-${'b'.repeat(32)}-${'2'.repeat(16)}-00`,
    };
    const events = { late, early, untraced: SCENE_EVENT };
    await fire({ url: receiver.url }, { events });
    await fire({ url: receiver.url, headers: { Traceparent: 'mine' } }, { events });
    await fire({ url: receiver.url }, { events: { untraced: SCENE_EVENT } });
    expect(receiver.requests.map(({ headers }) => headers['traceparent'])).toEqual([
      late.traceparent,
      'mine',
      undefined,
    ]);
  });

  it('stops immediately when it is cancelled', async () => {
    const controller = new AbortController();
    const reason = new Error('shutting down');
    receiver.answer = () => controller.abort(reason);
    await expect(fire({ url: receiver.url }, { signal: controller.signal })).rejects.toBe(reason);
  });

  it.each([
    ['an invalid address', { url: 'not a url' }],
    ['an address of another protocol', { url: 'ftp://localhost/' }],
    ['a header value with a line break', { url: 'http://127.0.0.1:1/', headers: { 'x-a': 'b\r\nx-c: d' } }],
  ])('rejects %s permanently', async (_case, template) => {
    expect(await failureOf(fire(template))).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('previews the request without sending it, with selectors in place of secrets', () => {
    const template: HttpTemplate = {
      url: `${receiver.url}/hook`,
      secureHeaders: [{ name: 'X-Key', valueFrom: { secretKeyRef: { name: 'api', key: 'key' } } }],
      basicAuth: { username: { name: 'login', key: 'user' }, password: { name: 'login', key: 'password' } },
    };
    const preview = httpTrigger.create(world).preview?.(fireRequest(template, { payload: { a: 1 } }));
    expect(preview).toEqual({
      method: 'POST',
      url: `${receiver.url}/hook`,
      headers: {
        'Idempotency-Key': 'fire-1',
        'Content-Type': 'application/json',
        'X-Key': '<secret api/key>',
        Authorization: 'Basic <secret login/user>:<secret login/password>',
      },
      body: '{"a":1}',
    });
    expect(receiver.requests).toHaveLength(0);
  });
});

describe('the http trigger over TLS', () => {
  let folder: string;
  let files: TlsFiles;
  let receiver: Receiver;
  let secrets: Record<string, string>;

  const selector = (key: string) => ({ name: 'tls', key });
  const template = (tls: HttpTemplate['tls']): HttpTemplate => ({ url: receiver.url, tls });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-http-tls-'));
    files = await createTlsFiles(folder);
    const read = (path: string) => readFile(path, 'utf8');
    const ca = await read(files.caPath);
    secrets = {
      'tls/ca': ca,
      'tls/cert': await read(files.clientCertificatePath),
      'tls/key': await read(files.clientKeyPath),
    };
    receiver = await startReceiver({
      ca,
      cert: await read(files.serverCertificatePath),
      key: await read(files.serverKeyPath),
      requestCert: true,
      rejectUnauthorized: false,
    });
  });
  afterAll(async () => {
    await receiver.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('trusts the CA of caCertSecret and presents its client certificate', async () => {
    const tls = { caCertSecret: selector('ca'), clientCertSecret: selector('cert'), clientKeySecret: selector('key') };
    await fire(template(tls), {}, createTriggerWorld(secrets));
    expect(receiver.requests.at(-1)).toMatchObject({ clientName: 'sluice' });
  });

  it('checks the certificate against the address, whatever the Host header says', async () => {
    const tls = { caCertSecret: selector('ca') };
    const sent = fire({ ...template(tls), host: 'elsewhere.example' }, {}, createTriggerWorld(secrets));
    await expect(sent).resolves.toMatchObject({ status: 200 });
  });

  it('rejects a receiver that it cannot verify', async () => {
    const before = receiver.requests.length;
    const failure = await failureOf(fire(template(undefined)));
    expect(failure).toMatchObject({ code: 'TRIGGER_UNREACHABLE' });
    expect(failure.fix).toContain('caCertSecret');
    expect(receiver.requests).toHaveLength(before);
  });

  it('accepts any receiver if verification is skipped', async () => {
    await expect(fire(template({ insecureSkipVerify: true }))).resolves.toMatchObject({ status: 200 });
  });

  it('names the missing secret', async () => {
    const failure = await failureOf(fire(template({ caCertSecret: selector('nowhere') })));
    expect(failure.code).toBe('SECRET_MISSING');
  });
});
