/** A network between workers and a server that can be cut. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Ends every connection, and new ones at once, until `heal`. */
  cut(): void;
  /** Connections stay and nothing passes, as with packets that are dropped, until `heal`. */
  silence(): void;
  heal(): void;
  /** New connections go to this port; those that are open stay where they are. */
  retarget(port: number): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const host = '127.0.0.1';
  let targetPort = target;
  let state: 'open' | 'cut' | 'silent' = 'open';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: () => Socket): void => {
    sockets.add(socket);
    // The other side learns of it by the end of its own connection.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other().destroy();
    });
  };
  const server = createServer((near) => {
    if (state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(targetPort, host);
    keep(near, () => far);
    keep(far, () => near);
    near.pipe(far);
    far.pipe(near);
    if (state === 'silent') for (const socket of [near, far]) silenceSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = 'cut';
      for (const socket of sockets) socket.destroy();
    },
    silence: () => {
      state = 'silent';
      for (const socket of sockets) silenceSocket(socket);
    },
    heal: () => {
      if (state === 'silent') for (const socket of sockets) socket.uncork();
      state = 'open';
    },
    retarget: (port) => {
      targetPort = port;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** What is written to it waits: a pipe stops reading from the other side when enough does. */
function silenceSocket(socket: Socket): void {
  socket.cork();
}
