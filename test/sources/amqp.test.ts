import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { startRabbitMq, type RunningRabbitMq } from '../../dev/rabbitmq';
import type { EventOptions } from '../../src/manifest/event-source';
import { amqpSource } from '../../src/sources/amqp';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { startTcpGate } from '../setup/tcp-gate';
import { AmqpSender } from './amqp-sender';
import { readSource, type SourceReading } from './read-source';

type AmqpOptions = EventOptions<'amqp'>;

const AUTH = { username: { name: 'amqp', key: 'user' }, password: { name: 'amqp', key: 'password' } };
const CLOSE_CONNECTIONS =
  'lists:foreach(fun(Pid) -> rabbit_networking:close_connection(Pid, "test") end, rabbit_networking:connections())';

let server: RunningRabbitMq;
let number = 0;

beforeAll(async () => {
  server = await startRabbitMq({ tls: true });
});

afterAll(async () => {
  await server?.stop();
});

function setPermissions(pattern: string): string {
  const patterns = Array.from({ length: 3 }, () => `<<"${pattern}">>`).join(', ');
  return `rabbit_auth_backend_internal:set_permissions(<<"reader">>, <<"/">>, ${patterns}, <<"test">>)`;
}

describeSourceContract<AmqpOptions>({
  factory: amqpSource,
  // The queue begins with its first reader.
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: true, beginsNow: true },
  async start() {
    number += 1;
    const name = `scenes-${number}`;
    const gate = await startTcpGate(server.port);
    const sender = new AmqpSender(server.url);
    const secrets = { 'amqp/user': 'reader', 'amqp/password': 'secret-1' };
    await server.evaluate(
      `catch rabbit_auth_backend_internal:delete_user(<<"reader">>, <<"test">>),
       rabbit_auth_backend_internal:add_user(<<"reader">>, <<"secret-1">>, <<"test">>),
       ${setPermissions('.*')}.`,
    );
    const spec: AmqpOptions = {
      url: `amqp://${gate.host}:${gate.port}`,
      exchangeName: name,
      exchangeType: 'topic',
      routingKey: 'scene.*',
      queueDeclare: { name, durable: true },
      auth: AUTH,
      jsonBody: true,
    };
    let messages = 0;
    const send = async (content: string): Promise<void> => {
      messages += 1;
      await sender.send(name, 'scene.new', content, { messageId: `m-${messages}`, persistent: true });
    };
    return {
      spec,
      unreachableSpec: { ...spec, url: 'amqp://127.0.0.1:1' },
      secrets,
      gate,
      send: (text) => send(JSON.stringify({ text })),
      sendPoison: () => send('{ not JSON'),
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      async handedOut() {
        const queue = `rabbit_misc:r(<<"/">>, queue, <<"${name}">>)`;
        const count = await server.evaluate(
          `{ok, Queue} = rabbit_amqqueue:lookup(${queue}),
           [{messages_unacknowledged, Count}] = rabbit_amqqueue:info(Queue, [messages_unacknowledged]), Count.`,
        );
        return Number(/\d+/.exec(count)?.[0]);
      },
      restartServer: () => server.restart(),
      async rotatePassword() {
        await server.evaluate(
          `rabbit_auth_backend_internal:change_password(<<"reader">>, <<"secret-2">>, <<"test">>), ${CLOSE_CONNECTIONS}.`,
        );
        secrets['amqp/password'] = 'secret-2';
      },
      async withdrawRights() {
        await server.evaluate(`${setPermissions('^$')}, ${CLOSE_CONNECTIONS}.`);
      },
      hangServer() {
        server.outage.pause();
        return Promise.resolve(() => server.outage.resume());
      },
      async stop() {
        await sender.close();
        await gate.stop();
      },
    };
  },
});

describe('event source amqp', () => {
  let sender: AmqpSender;
  const open: SourceReading[] = [];

  beforeAll(() => {
    sender = new AmqpSender(server.url);
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
  });

  afterAll(async () => {
    await sender?.close();
  });

  /** Reads with a source of its own that consumes already. */
  async function read(spec: Partial<AmqpOptions> = {}) {
    number += 1;
    const name = `level-${number}`;
    const options: AmqpOptions = {
      url: server.url,
      exchangeName: name,
      exchangeType: 'topic',
      routingKey: 'level.#',
      ...spec,
    };
    const reading = readSource(amqpSource, options);
    open.push(reading);
    const first = reading.next();
    first.catch(() => undefined);
    await eventually(() => reading.source.status().connected);
    return { ...reading, first, name: options.exchangeName ?? '', options };
  }

  it.each<[string, Partial<AmqpOptions>, string, unknown]>([
    ['base64', {}, 'hello', 'aGVsbG8='],
    ['base64, even if it is JSON', {}, '{"a":1}', 'eyJhIjoxfQ=='],
    ['JSON with jsonBody', { jsonBody: true }, '{"a":[1]}', { a: [1] }],
    ['JSON null with jsonBody', { jsonBody: true }, 'null', null],
    ['an empty message', {}, '', ''],
  ])('gives messages the payload of Argo Events: %s', async (_, spec, message, body) => {
    const { first, name } = await read({ ...spec, metadata: { team: 'eo' } });
    await sender.send(name, 'level.one', message);
    const { events, rejected } = await first;
    expect(rejected).toEqual([]);
    expect(JSON.stringify(events[0]?.data)).toBe(
      JSON.stringify({
        contentType: '',
        contentEncoding: '',
        deliveryMode: 0,
        priority: 0,
        correlationId: '',
        replyTo: '',
        expiration: '',
        messageId: '',
        timestamp: '0001-01-01 00:00:00 +0000 UTC',
        type: '',
        appId: '',
        exchange: name,
        routingKey: 'level.one',
        body,
        metadata: { team: 'eo' },
      }),
    );
  });

  it('adds the properties of a message, takes its time and id, and follows its trace', async () => {
    const { first, name } = await read();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await sender.send(name, 'level.one', 'x', {
      contentType: 'text/plain',
      contentEncoding: 'identity',
      persistent: true,
      priority: 3,
      correlationId: 'c',
      replyTo: 'r',
      expiration: '60000',
      messageId: 'm',
      timestamp: 1_795_374_072,
      type: 't',
      appId: 'a',
      headers: { traceparent },
    });
    const event = (await first).events[0];
    expect(event?.data).toEqual({
      contentType: 'text/plain',
      contentEncoding: 'identity',
      deliveryMode: 2,
      priority: 3,
      correlationId: 'c',
      replyTo: 'r',
      expiration: '60000',
      messageId: 'm',
      timestamp: '2026-11-22 19:01:12 +0000 UTC',
      type: 't',
      appId: 'a',
      exchange: name,
      routingKey: 'level.one',
      body: 'eA==',
    });
    expect(event).toMatchObject({ transportId: `${name}:level.one:m`, time: '2026-11-22T19:01:12.000Z', traceparent });
  });

  it('takes no time from a timestamp in milliseconds, which is beyond all calendars', async () => {
    const { first, name } = await read();
    await sender.send(name, 'level.one', 'x', { timestamp: 1_795_374_072_000 });
    const event = (await first).events[0];
    expect(event?.data).toMatchObject({ timestamp: '1795374072000' });
    expect(event?.time).toMatch(/^20\d\d-/);
  });

  it('finds the id of a STAC item in a message, even if the body stays base64', async () => {
    const { first, name } = await read();
    const item = { type: 'Feature', stac_version: '1.0.0', id: 'a', properties: {} };
    await sender.send(name, 'level.one', JSON.stringify(item));
    expect((await first).events[0]?.document).toEqual(item);
  });

  it('gives a message without an id its former one when it comes again after a lost connection', async () => {
    const queueDeclare = { name: `again-${number}`, durable: true };
    const { first, next, name } = await read({ queueDeclare });
    await sender.send(name, 'level.one', 'again');
    const before = (await first).events[0]?.deliveryId;
    expect(before).toBeDefined();
    await server.evaluate(`${CLOSE_CONNECTIONS}.`);
    const delivery = await next();
    expect(delivery.events[0]?.deliveryId).toBe(before);
    await delivery.acknowledge({ rejected: [] });
    await sender.send(name, 'level.one', 'again');
    expect((await next()).events[0]?.deliveryId).not.toBe(before);
  });

  it('gives a message back to the queue, and gets it again later', async () => {
    const { first, next, name } = await read();
    await sender.send(name, 'level.one', 'x');
    const delivery = await first;
    await delivery.release(new Error('not now'));
    expect((await next()).events[0]?.deliveryId).toBe(delivery.events[0]?.deliveryId);
  });

  it('acknowledges after the bus has the event, whatever autoAck says', async () => {
    const queueDeclare = { name: `manual-${number}`, durable: true };
    const options = { consume: { autoAck: true }, queueDeclare };
    const crashed = await read(options);
    await sender.send(crashed.name, 'level.one', 'kept');
    await crashed.first;
    await crashed.stop();
    const next = await read({ ...options, exchangeName: crashed.name });
    expect((await next.first).events).toHaveLength(1);
  });

  it('reads an existing queue of the default exchange, and declares its arguments', async () => {
    const queue = `jobs-${number}`;
    const queueDeclare = { name: queue, durable: true, arguments: 'x-queue-type: quorum\nx-max-length: 1000\n' };
    const { first } = await read({ exchangeName: '', exchangeType: '', routingKey: '', queueDeclare });
    await sender.send('', queue, 'x');
    expect((await first).events[0]?.data).toMatchObject({ exchange: '', routingKey: queue });
  });

  it('takes over a queue whose former consumer was exclusive, once that is gone', async () => {
    const options = { consume: { exclusive: true }, queueDeclare: { name: `single-${number}`, durable: true } };
    const former = await read(options);
    const second = readSource(amqpSource, former.options);
    open.push(second);
    const first = second.next();
    await eventually(() => second.source.status().problem?.includes('exclusive') === true);
    await former.stop();
    await sender.send(former.name, 'level.one', 'x');
    expect((await first).events).toHaveLength(1);
  });

  it('declares the queue again when it was deleted', async () => {
    const queue = `deleted-${number}`;
    const { source, first, name, lines } = await read({ queueDeclare: { name: queue, durable: true } });
    await (await sender.channel()).deleteQueue(queue);
    await eventually(() => lines.some((line) => line.includes('was deleted')) && source.status().connected);
    await sender.send(name, 'level.one', 'x');
    expect((await first).events).toHaveLength(1);
  });

  it('rejects a message that no bus would accept, and reads on', async () => {
    const { first, next, name } = await read();
    await sender.send(name, 'level.one', Buffer.alloc(17 * 1024 * 1024));
    await sender.send(name, 'level.two', 'x');
    const deliveries = [await first];
    while (deliveries.every(({ events }) => events.length === 0)) deliveries.push(await next());
    expect(deliveries.flatMap(({ rejected }) => rejected)).toMatchObject([{ code: 'BUS_EVENT_TOO_LARGE' }]);
    expect(deliveries.flatMap(({ events }) => events)).toMatchObject([{ data: { routingKey: 'level.two' } }]);
  });

  it('bounds its memory in bytes, and returns to the queue what is too much', async () => {
    const { source, first, next, name } = await read({ queueDeclare: { name: `large-${number}`, durable: true } });
    const megabyte = Buffer.alloc(1_000_000, 'x');
    for (let index = 0; index < 60; index += 1) await sender.send(name, 'level.one', megabyte);
    let count = 0;
    for (let delivery = await first; ; delivery = await next()) {
      count += delivery.events.length;
      await delivery.acknowledge({ rejected: [] });
      if (count >= 60) break;
    }
    expect(source.status().dropped).toBe(0);
  });

  it.each<[string, Partial<AmqpOptions>, RegExp]>([
    ['an unknown exchange type', { exchangeType: 'unheard-of' }, /COMMAND_INVALID/],
    ['arguments that are no map', { queueDeclare: { name: 'q', arguments: '- a' } }, /queueDeclare.arguments/],
    ['an exchange of another type', { exchangeName: 'amq.fanout', exchangeType: 'topic' }, /PRECONDITION_FAILED/],
  ])('ends with a clear error that the operator must mend: %s', async (_, spec, reason) => {
    const options = { url: server.url, exchangeName: 'unfit', exchangeType: 'topic', routingKey: 'a', ...spec };
    const failure = await failureOf(
      createSource(amqpSource, { spec: options }).deliveries()[Symbol.asyncIterator]().next(),
    );
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toMatch(reason);
  });

  it('ends with a clear error, without secrets, if the broker refuses the login', async () => {
    const url = server.url.replace('guest:guest', 'guest:secret-4');
    const spec = { urlSecret: { name: 'amqp', key: 'url' }, exchangeName: 'e', exchangeType: 'topic', routingKey: 'a' };
    const source = createSource(amqpSource, { spec, secrets: { 'amqp/url': url } });
    const failure = await failureOf(source.deliveries()[Symbol.asyncIterator]().next());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toContain('ACCESS_REFUSED');
    expect(failure.message).not.toContain('secret-4');
    expect((await failureOf(source.check())).code).toMatch(/^EVENT_SOURCE_/);
    await source.close();
  });

  it('connects with TLS, and checks the broker', async () => {
    const { tls: files } = server;
    if (files === undefined) throw new Error('the broker has no TLS');
    const [ca, cert, key] = await Promise.all(
      [files.caPath, files.clientCertificatePath, files.clientKeyPath].map((path) => readFile(path, 'utf8')),
    );
    const select = (name: string) => ({ name: 'amqp', key: name });
    const tls = { caCertSecret: select('ca'), clientCertSecret: select('cert'), clientKeySecret: select('key') };
    const secrets = { 'amqp/ca': ca ?? '', 'amqp/cert': cert ?? '', 'amqp/key': key ?? '' };
    const spec = { url: files.url, exchangeName: 'e', exchangeType: 'topic', routingKey: 'a' };
    await createSource(amqpSource, { spec: { ...spec, tls }, secrets }).check();
    for (const unfit of [{}, { url: files.url.replace('amqps', 'amqp') }]) {
      const failure = await failureOf(createSource(amqpSource, { spec: { ...spec, ...unfit } }).check());
      expect(failure.code).toBe('EVENT_SOURCE_UNREACHABLE');
    }
  });

  it.each(['amqp://user:%zz@127.0.0.1', 'http://127.0.0.1:5672', ''])(
    'ends with a clear error if its url leads nowhere: %s',
    async (url) => {
      const failure = await failureOf(createSource(amqpSource, { spec: { url } }).check());
      expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
      expect(failure.message).not.toContain('%zz');
    },
  );

  it('connects to no blocked address, and names no credentials of its url', async () => {
    const url = 'amqp://me:secret-3@169.254.169.254:5672';
    const spec = { url, exchangeName: 'e', exchangeType: 'topic', routingKey: 'a' };
    const failure = await failureOf(createSource(amqpSource, { spec }).check());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toContain('169.254.169.254');
    expect(failure.message).not.toContain('secret-3');
  });

  describe('with a server that speaks no AMQP', () => {
    let hostile: Server | undefined;

    afterEach(() => hostile?.close());

    it.each<[string, Buffer]>([
      ['a frame of 4 GB', Buffer.from([1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0])],
      ['the answer to another version', Buffer.from('AMQP\0\0\x09\x01')],
      ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['nothing that ends', Buffer.alloc(2048)],
    ])('reports it as unreachable: %s', async (_, bytes) => {
      hostile = createServer((socket) => socket.on('error', () => undefined).write(bytes));
      await new Promise<void>((resolve) => hostile?.listen(0, '127.0.0.1', resolve));
      const { port } = hostile.address() as AddressInfo;
      const spec = { url: `amqp://127.0.0.1:${port}`, exchangeName: 'e', exchangeType: 'topic', routingKey: 'a' };
      const failure = await failureOf(createSource(amqpSource, { spec }).check());
      expect(failure.code).toBe('EVENT_SOURCE_UNREACHABLE');
    });
  });
});
