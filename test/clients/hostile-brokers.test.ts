/** Brokers that a manifest may name: what they send, and where their names lead. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { openAmqp } from '../../src/clients/amqp/amqp-connection';
import { openMqtt } from '../../src/clients/mqtt/mqtt-connection';
import { PacketLimits } from '../../src/clients/mqtt/packet-limits';
import { amqpSource } from '../../src/sources/amqp';
import { readSource } from '../sources/read-source';
import { eventually } from '../setup/eventually';

jest.setTimeout(60_000);

const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  delete process.env.SLUICE_BLOCKED_ADDRESSES;
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Sends the chunk again and again for as long as the client reads. */
function pour(socket: Socket, chunk: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed) if (!socket.write(chunk)) return void socket.once('drain', more);
  };
  more();
}

describe('an MQTT broker', () => {
  const options = { clientId: 'c', keepsSession: true, onMessage: () => undefined };

  it('is not connected at a blocked address, whatever its name resolves to', async () => {
    const port = await serve((socket) => socket.end());
    process.env.SLUICE_BLOCKED_ADDRESSES = '127.0.0.0/8,::1';
    await expect(openMqtt({ host: 'localhost', port }, options)).rejects.toThrow('is blocked');
    await expect(openMqtt({ host: '127.0.0.1', port }, options)).rejects.toThrow('is blocked');
  });

  it('whose packet has no end is left', async () => {
    let sent = 0;
    const port = await serve((socket) => {
      // CONNACK, then a message of 256 MB.
      socket.write(Buffer.from([0x20, 2, 0, 0, 0x30, 0xff, 0xff, 0xff, 0x7f]));
      pour(socket, Buffer.alloc(65_536));
      socket.on('close', () => (sent = socket.bytesWritten));
    });
    const connection = await openMqtt({ host: '127.0.0.1', port }, options);
    expect((await connection.ended).message).toContain('a packet has 268435455 bytes');
    await eventually(() => sent > 0);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('that starts an exchange of quality of service 2, which fills the memory of the client, is left', async () => {
    const port = await serve((socket) => socket.write(Buffer.from([0x20, 2, 0, 0, 0x34, 5, 0, 1, 97, 0, 1])));
    const connection = await openMqtt({ host: '127.0.0.1', port }, options);
    expect((await connection.ended).message).toContain('quality of service 2');
  });

  it('may send what real brokers send, cut anywhere', () => {
    const message = Buffer.concat([Buffer.from([0x32, 0xc8, 0x01, 0, 1, 97, 0, 1]), Buffer.alloc(195)]);
    const packets = Buffer.concat([
      Buffer.from([0x20, 2, 0, 0, 0x90, 3, 0, 1, 1]),
      ...Array.from({ length: 500 }, () => [message, Buffer.from([0xd0, 0])]).flat(),
    ]);
    for (const size of [1, 7, 1_000, packets.length]) {
      const limits = new PacketLimits();
      for (let at = 0; at < packets.length; at += size) {
        expect(limits.add(packets.subarray(at, at + size))).toBeUndefined();
      }
    }
  });
});

describe('an AMQP broker', () => {
  const settings = { vhost: '/', username: 'guest', password: 'guest' };
  const spec = { exchangeName: '', queueDeclare: { name: 'q' } };

  it('is not connected at a blocked address, whatever its name resolves to', async () => {
    const port = await serve((socket) => socket.end());
    process.env.SLUICE_BLOCKED_ADDRESSES = '127.0.0.0/8,::1';
    for (const host of ['localhost', '127.0.0.1']) {
      await expect(openAmqp({ ...settings, host, port })).rejects.toThrow('is blocked');
      const tls = { rejectUnauthorized: false };
      await expect(openAmqp({ ...settings, host, port, tls })).rejects.toThrow('is blocked');
    }
  });

  it('whose message has no end is left', async () => {
    let sent = 0;
    const port = await serve((socket) => {
      acceptConsumer(socket, () => {
        socket.write(deliver(1, 2_000_000_000));
        pour(socket, frame(3, 1, Buffer.alloc(131_064)));
      });
      socket.on('close', () => (sent = Math.max(sent, socket.bytesWritten)));
    });
    const { source, next, stop } = readSource(amqpSource, { ...spec, url: `amqp://127.0.0.1:${port}` });
    next().catch(() => undefined);
    await eventually(() => source.status().problem?.includes('longer than one can be') === true);
    await stop();
    expect(sent).toBeLessThan(256 * 1024 * 1024);
  });

  it('that sends more messages than it may is left', async () => {
    const port = await serve((socket) => {
      acceptConsumer(socket, () => {
        for (let tag = 1; tag <= 200; tag += 1) socket.write(deliver(tag, 0));
      });
    });
    const { source, next, stop } = readSource(amqpSource, { ...spec, url: `amqp://127.0.0.1:${port}` });
    await next();
    await eventually(() => source.status().problem?.includes('prefetch') === true);
    await stop();
  });
});

/** As far as a consumer; then calls `onConsumer`. Answers each request by its class and method. */
function acceptConsumer(socket: Socket, onConsumer: () => void): void {
  const table = Buffer.alloc(4);
  const answers = new Map<string, Buffer>([
    ['10.11', method(10, 30, Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]))],
    ['10.40', method(10, 41, Buffer.from([0]))],
    ['20.10', method(20, 11, table)],
    ['50.10', method(50, 11, Buffer.from([1, 113, 0, 0, 0, 0, 0, 0, 0, 0]))],
    ['60.10', method(60, 11)],
    ['60.20', method(60, 21, Buffer.from([1, 116]))],
  ]);
  let rest = Buffer.alloc(0);
  let isGreeted = false;
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isGreeted && rest.length >= 8) {
      isGreeted = true;
      rest = rest.subarray(8);
      const greeting = Buffer.concat([Buffer.from([0, 9]), table, longText('PLAIN'), longText('en_US')]);
      socket.write(frame(1, 0, method(10, 10, greeting)));
    }
    while (rest.length >= 7 && rest.length >= 8 + rest.readUInt32BE(3)) {
      const channel = rest.readUInt16BE(1);
      const payload = rest.subarray(7, 7 + rest.readUInt32BE(3));
      rest = rest.subarray(payload.length + 8);
      const name = payload.length < 4 ? 'heartbeat' : `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`;
      const answer = answers.get(name);
      if (answer !== undefined) socket.write(frame(1, channel, answer));
      if (name === '60.20') onConsumer();
    }
  });
}

function deliver(tag: number, bodyBytes: number): Buffer {
  const fields = Buffer.alloc(13);
  fields.set([1, 116]);
  fields.writeBigUInt64BE(BigInt(tag), 2);
  const header = Buffer.alloc(14);
  header.writeUInt16BE(60, 0);
  header.writeBigUInt64BE(BigInt(bodyBytes), 4);
  return Buffer.concat([frame(1, 1, method(60, 60, fields)), frame(2, 1, header)]);
}

function method(classId: number, methodId: number, fields = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([0, classId, 0, methodId]), fields]);
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

function longText(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}
