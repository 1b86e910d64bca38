/** Servers that a manifest may name: what they send, and where their names and announcements lead. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connectorTo } from '../../src/clients/redis/guarded-connector';
import { probeRedis } from '../../src/clients/redis/redis-link';
import { ReplyLimits } from '../../src/clients/redis/reply-limits';
import { openProducer } from '../../src/clients/kafka/kafka-connection';
import { connectNats } from '../../src/clients/nats/guarded-connect';
import { MessageLimits } from '../../src/clients/nats/message-limits';
import type { ConnectionOwner } from '../../src/clients/connection-owner';
import { SluiceError } from '../../src/errors/sluice-error';
import { eventually } from '../setup/eventually';

jest.setTimeout(60_000);

const servers: Server[] = [];
afterEach(async () => {
  delete process.env.SLUICE_BLOCKED_ADDRESSES;
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Returns the port of a server that treats each connection in this way. */
async function serve(onConnection: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** Sends the chunk again and again for as long as the client reads; resolves to the number of bytes. */
function pour(socket: Socket, start: string, chunk = Buffer.alloc(65_536, 'a')): void {
  socket.write(start);
  const more = (): void => {
    while (!socket.destroyed) if (!socket.write(chunk)) return void socket.once('drain', more);
  };
  more();
}

const owner: ConnectionOwner = {
  namespace: 'n',
  secrets: { secret: () => Promise.resolve(''), configMap: () => Promise.resolve('') },
  signal: new AbortController().signal,
  log: () => undefined,
  failure: (_, details) => new SluiceError('EVENT_SOURCE_UNREACHABLE', details),
};

describe('a Redis server', () => {
  it.each([
    ['a line without an end', '+', undefined],
    ['a text of two gigabytes', '$2000000000\r\n', undefined],
    ['lists within lists', '', Buffer.from('*1\r\n'.repeat(16_384))],
    ['a list without an end', '*2000000000\r\n', Buffer.from(':1\r\n'.repeat(16_384))],
  ])('that sends %s is left at once', async (_, start, chunk) => {
    let sent = (): number => 0;
    const port = await serve((socket) => {
      sent = () => socket.bytesWritten;
      socket.once('data', () => pour(socket, start, chunk));
    });
    const probing = probeRedis({ spec: { hostAddress: `127.0.0.1:${port}` }, owner }, async (client) => {
      await client.ping();
    });
    await expect(probing).rejects.toMatchObject({ code: 'EVENT_SOURCE_UNREACHABLE' });
    expect(sent()).toBeLessThan(32 * 1024 * 1024);
  });

  it('may send what real servers send, cut anywhere', () => {
    const replies = Buffer.from(
      '+OK\r\n:12\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*2\r\n*1\r\n$0\r\n\r\n:1\r\n-ERR no\r\n'.repeat(3_000),
    );
    for (const size of [1, 7, 1_000, replies.length]) {
      const limits = new ReplyLimits();
      for (let at = 0; at < replies.length; at += size) {
        expect(limits.add(replies.subarray(at, at + size))).toBeUndefined();
      }
    }
    expect(new ReplyLimits().add(Buffer.from('$70000000\r\n'))).toContain('70000000');
  });

  it('is not connected at a blocked address, whatever its name resolved to before', async () => {
    const port = await serve((socket) => socket.end('+OK\r\n'));
    process.env.SLUICE_BLOCKED_ADDRESSES = '127.0.0.0/8,::1';
    const Connector = connectorTo({ host: 'localhost', port, disconnectTimeout: 100 });
    const socket = await new Connector({}).connect(() => undefined);
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain('is blocked');
  });
});

describe('a NATS server', () => {
  const INFO = { server_id: 'x', version: '2.10.0', max_payload: 1_048_576, proto: 1, headers: true };

  it('whose introduction has no end is left', async () => {
    let sent = (): number => 0;
    const port = await serve((socket) => {
      sent = () => socket.bytesWritten;
      pour(socket, 'INFO {"a":"');
    });
    await expect(connectNats({ servers: [`127.0.0.1:${port}`], timeout: 20_000, reconnect: false })).rejects.toThrow();
    expect(sent()).toBeLessThan(256 * 1024 * 1024);
  });

  it('that announces a message of two gigabytes is left', async () => {
    let sent = (): number => 0;
    const port = await serve((socket) => {
      sent = () => socket.bytesWritten;
      socket.write(`INFO ${JSON.stringify(INFO)}\r\n`);
      socket.on('data', (data) => {
        const text = data.toString('latin1');
        if (text.includes('PING')) socket.write('PONG\r\n');
        const id = /SUB \S+ (\d+)/.exec(text)?.[1];
        if (id !== undefined) pour(socket, `MSG a ${id} 2000000000\r\n`);
      });
    });
    const nats = await connectNats({ servers: [`127.0.0.1:${port}`], reconnect: false });
    nats.subscribe('a', { callback: () => undefined });
    await nats.closed();
    expect(sent()).toBeLessThan(256 * 1024 * 1024);
  });

  it('that announces another server at a blocked address is followed nowhere', async () => {
    const reached: string[] = [];
    const metadata = await serve((socket) => {
      reached.push('metadata');
      socket.destroy();
    }, '127.0.0.2');
    process.env.SLUICE_BLOCKED_ADDRESSES = '127.0.0.2';
    let connections = 0;
    const port = await serve((socket) => {
      connections += 1;
      const info = { ...INFO, connect_urls: [`127.0.0.2:${metadata}`] };
      socket.write(`INFO ${JSON.stringify(info)}\r\n`);
      socket.on('data', (data) => {
        if (data.toString('latin1').includes('PING')) socket.write('PONG\r\n');
        setTimeout(() => socket.destroy(), 20);
      });
    });
    const nats = await connectNats({ servers: [`127.0.0.1:${port}`], maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    await eventually(() => connections > 3);
    await nats.close();
    expect(reached).toEqual([]);
  });

  it('may send what real servers send, cut anywhere', () => {
    const info = 'INFO {"version":"2.12.3","connect_urls":["10.0.0.1:4222","[::1]:4222"]}\r\n';
    const text = `${info}MSG a 1 5\r\nhello\r\nMSG a.ü 1 _INBOX.x 2\r\nhi\r\nHMSG a 1 _INBOX.x 12 17\r\nNATS/1.0\r\n\r\nhello\r\nHMSG a 1 12 17\r\nNATS/1.0\r\n\r\nhello\r\n+OK\r\nPING\r\n-ERR 'Permissions Violation'\r\n`;
    const messages = Buffer.from(text.repeat(2_000));
    for (const size of [1, 7, 1_000, messages.length]) {
      const limits = new MessageLimits();
      for (let at = 0; at < messages.length; at += size) {
        expect(limits.add(messages.subarray(at, at + size))).toBeUndefined();
      }
    }
    expect(new MessageLimits().add(Buffer.from('MSG a 1 70000000\r\n'))).toContain('70000000');
  });

  it.each([
    'INFO null',
    'INFO {x',
    'INFO {"version":"x"}',
    'INFO {"version":"2.0.0","connect_urls":["[::"]}',
    'INFO {"version":"2.0.0","connect_urls":5}',
    'MSG a 1 -5',
    'MSG a x 2',
    'MSG',
    'HMSG a 1 5 3',
    'HMSG a 1 99999999999999999999 5',
    'HELLO',
    '\u0000\u0001',
  ])('that sends %j is left before its client reads it', (line) => {
    expect(new MessageLimits().add(Buffer.from(`${line}\r\n`))).toBeDefined();
  });
});

describe('a Kafka broker', () => {
  it.each([0, 1, 3, -1])('whose reply has %i bytes is left, and the worker goes on', async (size) => {
    const port = await serve((socket) => {
      const reply = Buffer.alloc(64);
      reply.writeInt32BE(size);
      socket.on('data', () => socket.write(reply));
    });
    // Thrown in a handler of the socket, it would end this process.
    await expect(openProducer({ brokers: [`127.0.0.1:${port}`] })).rejects.toMatchObject({
      code: 'TRIGGER_UNREACHABLE',
    });
  });

  it('that announces a reply of two gigabytes is left', async () => {
    let sent = 0;
    const port = await serve((socket) => {
      socket.on('close', () => (sent = Math.max(sent, socket.bytesWritten)));
      const size = Buffer.alloc(4);
      size.writeInt32BE(2_000_000_000);
      socket.once('data', () => {
        socket.write(size);
        pour(socket, '', Buffer.alloc(65_536));
      });
    });
    await expect(openProducer({ brokers: [`127.0.0.1:${port}`] })).rejects.toMatchObject({
      code: 'TRIGGER_UNREACHABLE',
    });
    expect(sent).toBeLessThan(512 * 1024 * 1024);
  });
});
