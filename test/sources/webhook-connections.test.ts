import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { limitConnections } from '../../src/sources/webhook-connections';
import { eventually } from '../setup/eventually';

describe('connections of a webhook', () => {
  let server: Server;
  const sockets: Socket[] = [];
  let release: (() => void) | undefined;

  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === '/slow') release = () => response.end('done');
      else response.end('done');
    });
    limitConnections(server, 3);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  async function dial(): Promise<{ socket: Socket; text: () => string }> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.on('data', (part) => (text += part.toString('latin1'))).on('error', () => undefined);
    await once(socket, 'connect');
    return { socket, text: () => text };
  }

  const count = async (): Promise<number> =>
    await new Promise((resolve) => server.getConnections((_, open) => resolve(open)));

  it('that only wait make room for new callers, the longest waiting first', async () => {
    const idle = [await dial(), await dial(), await dial()];
    const closed = once(idle[0]?.socket ?? server, 'close');
    const caller = await dial();
    caller.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => caller.text().includes('done'));
    await closed;
    expect(await count()).toBe(3);
  });

  it('with a request in hand stay, whoever comes', async () => {
    const slow = await dial();
    slow.socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => release !== undefined);
    for (let index = 0; index < 10; index += 1) await dial();
    await eventually(async () => (await count()) === 3);
    release?.();
    await eventually(() => slow.text().includes('done'));
  });
});
