/** A balancer in front of a server: passes connections on, accepts and closes them at once, or leads elsewhere. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpGate {
  readonly host: string;
  readonly port: number;
  /** Accepts and closes at once, also what is open, as a Service does without a ready endpoint. */
  shut(): void;
  /** Passes on again. */
  open(): void;
  /** Accepts and passes nothing on, also of what is open. */
  hang(): void;
  /** Leads new connections to another server; what is open stays with the former one. */
  leadTo(port: number): void;
  /** How many connections were asked for. */
  accepted(): number;
  /** How many clients are connected now. */
  connected(): number;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

export async function startTcpGate(targetPort: number): Promise<TcpGate> {
  let target = targetPort;
  let isShut = false;
  let isHanging = false;
  let accepted = 0;
  const open = new Set<Socket>();
  const clients = new Set<Socket>();
  const endAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  const server = createServer((outside) => {
    accepted += 1;
    outside.on('error', () => undefined);
    clients.add(outside);
    outside.on('close', () => clients.delete(outside));
    if (isHanging) {
      open.add(outside);
      outside.on('close', () => open.delete(outside));
      return;
    }
    if (isShut) {
      outside.destroy();
      return;
    }
    const inside = connect(target, HOST);
    for (const [socket, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: HOST,
    port,
    shut: () => {
      isShut = true;
      endAll();
    },
    open: () => {
      isShut = false;
    },
    hang: () => {
      isHanging = true;
      for (const socket of open) socket.unpipe();
    },
    leadTo: (next) => {
      target = next;
    },
    accepted: () => accepted,
    connected: () => clients.size,
    stop: async () => {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
}
