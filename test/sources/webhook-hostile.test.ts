import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createTlsFiles } from '../../dev/tls-certificates';
import type { WebhookEventSource } from '../../src/manifest/sources/webhook';
import type { Delivery, Source, SourceContext } from '../../src/sources/source';
import { webhookSource } from '../../src/sources/webhook';
import { createSource } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { freePort } from './free-port';

describe('a webhook among hostile callers', () => {
  const open: Array<() => Promise<void> | void> = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  async function listen(
    spec: Partial<WebhookEventSource> = {},
    {
      secrets = {},
      answer = (delivery) => delivery.acknowledge({ rejected: [] }),
      ...overrides
    }: Partial<Omit<SourceContext, 'secrets'>> & {
      secrets?: Record<string, string>;
      answer?: (delivery: Delivery) => Promise<void>;
    } = {},
  ): Promise<{ port: number; source: Source; received: Delivery[]; lines: string[] }> {
    const stop = new AbortController();
    const port = await freePort();
    const lines: string[] = [];
    const source = createSource(
      webhookSource,
      { spec: { endpoint: '/scenes', ...spec, port: String(port) }, secrets },
      { signal: stop.signal, log: (level, line) => void lines.push(`${level}: ${line}`), ...overrides },
    );
    const received: Delivery[] = [];
    const reading = (async () => {
      for await (const delivery of source.deliveries()) {
        received.push(delivery);
        void answer(delivery);
      }
    })();
    open.push(async () => {
      stop.abort();
      await reading;
      await source.close();
    });
    await eventually(() => source.status().connected);
    return { port, source, received, lines };
  }

  /** A raw connection, so that anything can be sent and nothing is tidied up. */
  async function dial(port: number): Promise<Socket & { answer: () => string }> {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (part) => (text += part.toString('latin1'))).on('error', () => undefined);
    open.push(() => void socket.destroy());
    await once(socket, 'connect');
    return Object.assign(socket, { answer: () => text });
  }

  const head = (length: number, ...lines: string[]): string =>
    [
      'POST /scenes HTTP/1.1',
      'Host: x',
      'Content-Type: application/json',
      `Content-Length: ${length}`,
      ...lines,
      '',
      '',
    ].join('\r\n');

  async function send(port: number, text: string | Buffer): Promise<string> {
    const socket = await dial(port);
    socket.write(text);
    return await eventually(() => /^HTTP\/1\.1 (\d+).*\r\n\r\n./s.test(socket.answer()) && socket.answer());
  }

  const statusOf = (answer: string): number => Number(answer.split(' ')[1]);
  const payloadOf = (delivery: Delivery | undefined): string => JSON.stringify(delivery?.events[0]?.data);

  it('disconnects a caller that sends thousands of requests in one packet', async () => {
    const { port, received } = await listen();
    const request = `${head(7)}{"v":1}`;
    const flood = await dial(port);
    flood.write(request.repeat(3_000));
    await eventually(() => flood.destroyed);
    expect(received.length).toBeLessThan(1_000);
    expect(await send(port, request)).toContain('200 OK');
  });

  it('serves others while a thousand bodies arrive slowly, and times these out with a line in log and status', async () => {
    const { port, source, lines } = await listen();
    const slow = await Promise.all(Array.from({ length: 1_100 }, () => dial(port)));
    for (const socket of slow) socket.write(`${head(1_000)}{`);
    const trickling = setInterval(() => slow.forEach((socket) => socket.writable && socket.write(' ')), 1_000);
    open.push(() => clearInterval(trickling));
    for (let calls = 0; calls < 5; calls += 1) expect(statusOf(await send(port, `${head(2)}{}`))).toBe(200);
    await eventually(() => slow.every(({ answer }) => statusOf(answer()) === 408), { timeoutMs: 60_000 });
    await eventually(() => slow.every(({ destroyed, readableEnded }) => destroyed || readableEnded));
    expect(source.status().problem).toContain('408');
    expect(lines.filter((line) => line.startsWith('warn') && line.includes('408')).length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(20);
    expect(statusOf(await send(port, `${head(2)}{}`))).toBe(200);
  }, 120_000);

  it('bounds unfinished bodies in bytes, and drops the slowest first', async () => {
    const maxPayloadSize = 8 * 1024 * 1024;
    const { port } = await listen({ maxPayloadSize });
    const greedy: Array<Awaited<ReturnType<typeof dial>>> = [];
    for (let index = 0; index < 10; index += 1) {
      const socket = await dial(port);
      greedy.push(socket);
      const sent = new Promise((resolve) =>
        socket.write(`${head(maxPayloadSize)}"`.padEnd(maxPayloadSize - 10, 'x'), resolve),
      );
      await Promise.race([sent, once(socket, 'close')]);
    }
    await eventually(() => statusOf(greedy[0]?.answer() ?? '') === 503);
    expect(greedy.at(-1)?.answer()).toBe('');
    expect(statusOf(await send(port, `${head(2)}{}`))).toBe(200);
  });

  it('answers 503 if too many rejected requests wait to be recorded, so that a flood of them takes no memory', async () => {
    const held: Delivery[] = [];
    const { port } = await listen({}, { answer: (delivery) => Promise.resolve(void held.push(delivery)) });
    const callers = await Promise.all(Array.from({ length: 1_000 }, () => dial(port)));
    for (const caller of callers) caller.write(`${head(2)}{,`);
    await eventually(() => held.length === 1_000);
    expect(statusOf(await send(port, `${head(2)}{,`))).toBe(503);
    for (const delivery of held) await delivery.acknowledge({ rejected: [] });
    expect(statusOf(await send(port, `${head(2)}{,`))).toBe(400);
  });

  it('answers 503, with a log line and a problem, if too many requests wait for the bus', async () => {
    const held: Delivery[] = [];
    const { port, source, lines } = await listen(
      {},
      { answer: (delivery) => Promise.resolve(void held.push(delivery)) },
    );
    const callers = await Promise.all(Array.from({ length: 1_000 }, () => dial(port)));
    for (const caller of callers) caller.write(`${head(2)}{}`);
    await eventually(() => held.length === 1_000);
    // Hanging up frees nothing: the events still wait.
    for (const caller of callers.slice(0, 500)) caller.destroy();
    const refused = await send(port, `${head(2)}{}`);
    expect(statusOf(refused)).toBe(503);
    expect(refused).toContain('Retry-After: 1');
    expect(source.status().problem).toContain('503');
    expect(lines.some((line) => line.includes('503'))).toBe(true);
    for (const delivery of held.splice(0)) await delivery.acknowledge({ rejected: [] });
    const next = send(port, `${head(2)}{}`);
    await eventually(() => held.length > 0);
    await held[0]?.acknowledge({ rejected: [] });
    expect(statusOf(await next)).toBe(200);
  }, 60_000);

  it('answers 503 to a caller whose request nobody reads in time, and forgets the event', async () => {
    const stop = new AbortController();
    const port = await freePort();
    const spec = { endpoint: '/scenes', port: String(port) };
    const source = createSource(webhookSource, { spec, secrets: {} }, { signal: stop.signal });
    const deliveries = source.deliveries()[Symbol.asyncIterator]();
    open.push(async () => {
      stop.abort();
      await deliveries.return?.();
      await source.close();
    });
    const read = async (): Promise<Delivery> => {
      const next = await deliveries.next();
      if (next.done === true) throw new Error('the source has ended');
      return next.value;
    };
    const reading = read();
    await eventually(() => source.status().connected);
    const first = send(port, `${head(7)}{"n":1}`);
    await (await reading).acknowledge({ rejected: [] });
    expect(statusOf(await first)).toBe(200);
    const unread = await send(port, `${head(7)}{"n":2}`);
    expect(statusOf(unread)).toBe(503);
    expect(unread).toContain('Retry-After: 1');
    expect(source.status().problem).toContain('503');
    const third = send(port, `${head(7)}{"n":3}`);
    const delivery = await read();
    expect(JSON.stringify(delivery.events[0]?.data)).toContain('"n":3');
    await delivery.acknowledge({ rejected: [] });
    expect(statusOf(await third)).toBe(200);
  }, 30_000);

  it('ends bodies that are still arriving when it stops', async () => {
    const stop = new AbortController();
    const { port } = await listen({}, { signal: stop.signal });
    const slow = await dial(port);
    slow.write(`${head(1_000)}{`);
    await send(port, `${head(2)}{}`);
    stop.abort();
    await eventually(() => statusOf(slow.answer()) === 503);
  });

  it.each<[string, Buffer]>([
    ['Latin-1', Buffer.from('{"a":"gr\xfc\xdfe"}', 'latin1')],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['half a character', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')])],
    ['a form in Latin-1', Buffer.from('a=gr\xfc', 'latin1')],
  ])('rejects a body that is not UTF-8, and records it: %s', async (name, body) => {
    const { port, received } = await listen();
    const lines = head(body.length);
    const form = lines.replace('application/json', 'application/x-www-form-urlencoded');
    const answer = await send(port, Buffer.concat([Buffer.from(name.includes('form') ? form : lines), body]));
    expect(statusOf(answer)).toBe(400);
    expect(received).toMatchObject([{ events: [], rejected: [{ code: 'EVENT_UNDECODABLE' }] }]);
  });

  it('treats a header, parameter or form field named __proto__ like any other', async () => {
    const { port, received } = await listen();
    expect(statusOf(await send(port, `${head(2, '__proto__: a', 'constructor: b', '__PROTO__: c')}{}`))).toBe(200);
    expect(payloadOf(received[0])).toContain('"__proto__":["a","c"]');
    expect(payloadOf(received[0])).toContain('"Constructor":["b"]');
    expect(statusOf(await send(port, 'GET /scenes?__proto__=1&x=2&__proto__=3 HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(200);
    expect(payloadOf(received[1])).toContain('"body":{"__proto__":["1","3"],"x":["2"]}');
    const form = head(13).replace('application/json', 'application/x-www-form-urlencoded');
    expect(statusOf(await send(port, `${form}__proto__=x&y`))).toBe(200);
    expect(payloadOf(received[2])).toContain('"body":{"__proto__":["x"],"y":[""]}');
    expect(statusOf(await send(port, `${head(21)}{"__proto__":{"k":1}}`))).toBe(200);
    expect(payloadOf(received[3])).toContain('"body":{"__proto__":{"k":1}}');
  });

  it('reads header values as UTF-8', async () => {
    const { port, received } = await listen();
    expect(statusOf(await send(port, Buffer.from(`${head(2, 'X-Name: größe 日本')}{}`)))).toBe(200);
    expect(payloadOf(received[0])).toContain('"X-Name":["größe 日本"]');
  });

  it('never passes on a caller’s credentials, and still uses those meant for Sluice', async () => {
    const { port, received } = await listen({}, { maskedHeaders: { add: ['x-customer', 'idempotency-key'] } });
    const lines = [
      'Authorization: Basic dXNlcjpodW50ZXIy',
      'Cookie: sid=hunter2',
      'X-Api-Key: hunter2',
      'x-customer: hunter2',
    ];
    expect(statusOf(await send(port, `${head(2, ...lines, 'Idempotency-Key: k1')}{}`))).toBe(200);
    expect(statusOf(await send(port, 'GET /scenes?id=7&access_token=hunter2 HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(200);
    expect(JSON.stringify(received)).not.toMatch(/hunter2|dXNlcjpodW50ZXIy/);
    expect(payloadOf(received[0])).toContain('"Authorization":["*** Masked Auth Secret ***"]');
    expect(received[0]?.events[0]?.transportId).toBe('k1');
    expect(payloadOf(received[1])).toContain(`"body":{"access_token":["*** Masked Auth Secret ***"],"id":["7"]}`);
  });

  it('accepts a rotated token immediately, and rejects the old one', async () => {
    const secrets: Record<string, string> = { 'hook/token': 'old' };
    const { port, lines } = await listen({ authSecret: { name: 'hook', key: 'token' } }, { secrets });
    const call = async (token: string): Promise<number> =>
      statusOf(await send(port, `${head(2, `Authorization: Bearer ${token}`)}{}`));
    expect([await call('old'), await call('new')]).toEqual([200, 401]);
    secrets['hook/token'] = 'new\n';
    await eventually(async () => (await call('new')) === 200);
    expect(await call('old')).toBe(401);
    expect(lines.join('\n')).toContain('rotated');
    expect(lines.join('\n')).not.toContain('new\n');
    delete secrets['hook/token'];
    await eventually(async () => (await call('new')) === 500);
    secrets['hook/token'] = 'größe';
    await eventually(async () => (await call('größe')) === 200);
  });

  it('does not count as connected while the Secret of its token is missing, even without calls', async () => {
    const secrets: Record<string, string> = { 'hook/token': 'there' };
    const { source } = await listen({ authSecret: { name: 'hook', key: 'token' } }, { secrets });
    delete secrets['hook/token'];
    await eventually(() => !source.status().connected, { timeoutMs: 30_000 });
    expect(source.status().problem).toContain('all requests are refused');
    secrets['hook/token'] = 'again';
    await eventually(() => source.status().connected, { timeoutMs: 30_000 });
    expect(source.status().problem).toBeUndefined();
  }, 70_000);

  it('serves a rotated certificate to new connections, and keeps open ones', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-webhook-'));
    open.push(() => rm(folder, { recursive: true }));
    const files = await createTlsFiles(folder);
    const pair = async (): Promise<Record<string, string>> => ({
      'tls/cert': await readFile(files.serverCertificatePath, 'utf8'),
      'tls/key': await readFile(files.serverKeyPath, 'utf8'),
    });
    const secrets = await pair();
    const spec = { serverCertSecret: { name: 'tls', key: 'cert' }, serverKeySecret: { name: 'tls', key: 'key' } };
    const { port, source } = await listen(spec, { secrets });
    const fingerprint = async (): Promise<string> => {
      const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await fingerprint();
    const kept = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    open.push(() => void kept.destroy());
    await once(kept, 'secureConnect');
    let answers = 0;
    kept.on('data', (part: Buffer) => (answers += part.toString().split('HTTP/1.1 200').length - 1));
    // A connection that is never used is closed after ten seconds, which a rotation may take.
    const use = setInterval(() => void kept.write(`${head(2)}{}`), 500);
    open.push(() => clearInterval(use));

    await createTlsFiles(folder);
    const rotated = await pair();
    // Half of it first, as two Secrets are never changed together.
    secrets['tls/cert'] = rotated['tls/cert'] ?? '';
    await eventually(() => source.status().problem?.includes('certificate'));
    expect(await fingerprint()).toBe(before);
    secrets['tls/key'] = rotated['tls/key'] ?? '';
    await eventually(async () => (await fingerprint()) !== before);
    await eventually(() => source.status().problem === undefined);
    const answersBefore = answers;
    await eventually(() => answers > answersBefore);
  });
});
