/**
 * `connect` of NATS, for servers that a manifest names: each address is checked when it is dialled, also those that a
 * server announces or that a name resolves to later, and what a server sends is bounded.
 */
import {
  NatsConnectionImpl,
  setTransportFactory,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connectGuarded, limitReading } from '../guarded-socket';
import { MessageLimits } from './message-limits';

/** Until the server has introduced itself, with the list of its cluster. */
const INTRODUCTION = { burst: 1024 * 1024, perSecond: 0 };

class GuardedTransport extends NodeTransport {
  override async dial({ hostname, port }: { hostname: string; port: number }): Promise<Socket> {
    const socket = connectGuarded({ host: hostname, port });
    socket.setNoDelay(true);
    const stopLimiting = limitReading(socket, INTRODUCTION);
    this.signal.then(stopLimiting, stopLimiting);
    await once(socket, 'connect');
    socket.removeAllListeners();
    return socket;
  }

  override async *iterate(): AsyncIterableIterator<Uint8Array> {
    const limits = new MessageLimits();
    for await (const frame of super.iterate()) {
      const problem = limits.add(frame);
      if (problem !== undefined) {
        // The client reports why the connection was closed.
        this.socket.destroy(new Error(`the server is no NATS server to rely on: ${problem}`));
        return;
      }
      yield frame;
    }
  }
}

export async function connectNats(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new GuardedTransport(), dnsResolveFn: nodeResolveHost });
  return await NatsConnectionImpl.connect(options);
}
