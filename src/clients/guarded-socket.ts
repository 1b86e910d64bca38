/**
 * Connections to servers that a manifest names: never to a blocked address, whatever the name resolves to at that moment
 * and whoever announced the address, and never with more to read than replies can be.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { allowedLookup, requireAllowedAddress } from './blocked-addresses';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls?: ConnectionOptions;
}

/** Throws AddressBlocked for an address; for a name, the socket fails with it. */
export function connectGuarded({ host, port, tls }: ServerAddress, onConnect?: () => void): Socket {
  requireAllowedAddress(host);
  const target = { host, port, lookup: allowedLookup };
  if (tls === undefined) return containErrors(connect(target, onConnect));
  const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined);
  return containErrors(connectTls({ ...target, ...(servername !== undefined && { servername }), ...tls }, onConnect));
}

/** A client that throws while it reads would end the process: below it on the stack is only the socket. */
function containErrors(socket: Socket): Socket {
  const emit = socket.emit.bind(socket);
  socket.emit = (event: string | symbol, ...details: unknown[]): boolean => {
    if (event !== 'data') return emit(event, ...details);
    try {
      return emit(event, ...details);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
      return true;
    }
  };
  return socket;
}

export interface ReadAllowance {
  /** Bytes that may come at once … */
  readonly burst: number;
  /** … and on average. */
  readonly perSecond: number;
}

const LOOK_EVERY_MS = 50;

/**
 * Destroys the socket if its server sends more than allowed: for protocols in which a server only answers. Clients
 * collect a reply until it ends, so one without an end would fill the memory of the worker.
 *
 * Counts what comes from the network, so that it holds after an upgrade to TLS, too. The result ends it.
 */
export function limitReading(socket: Socket, { burst, perSecond }: ReadAllowance): () => void {
  const connectedAt = performance.now();
  const timer = setInterval(() => {
    const allowed = burst + (perSecond * (performance.now() - connectedAt)) / 1_000;
    if (socket.bytesRead > allowed) socket.destroy(new Error('the server sends more than a reply can be'));
    if (socket.destroyed) clearInterval(timer);
  }, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}
