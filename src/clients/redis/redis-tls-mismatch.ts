/** Determines whether a server speaks TLS, after a connection failed without saying so. */
import type { Socket } from 'node:net';
import { errorCode } from '../../errors/foreign-errors';
import { connectGuarded } from '../guarded-socket';

const PROBE_WITHIN_MS = 2_000;

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Returns true only on evidence: an answered TLS handshake, or a TLS alert. */
export async function speaksTls(address: Address, signal: AbortSignal): Promise<boolean> {
  // The certificate is not verified because nothing is sent.
  const socket = connectGuarded({ ...address, tls: { rejectUnauthorized: false } });
  return await observe(socket, signal, (conclude) => {
    socket.once('secureConnect', () => conclude(true));
    socket.on('error', (error) => conclude(/^ERR_SSL_.*ALERT/.test(errorCode(error))));
  });
}

/** Returns true only on evidence: a reply of Redis to an unencrypted PING. */
export async function speaksPlainRedis(address: Address, signal: AbortSignal): Promise<boolean> {
  const socket = connectGuarded(address);
  return await observe(socket, signal, (conclude) => {
    socket.once('connect', () => socket.write('PING\r\n'));
    // +PONG, -NOAUTH, -DENIED, -ERR max number of clients reached
    socket.once('data', (reply) => conclude(/^[+-][A-Z]/.test(reply.toString('latin1'))));
    socket.on('error', () => conclude(false));
  });
}

async function observe(
  socket: Socket,
  signal: AbortSignal,
  listen: (conclude: (found: boolean) => void) => void,
): Promise<boolean> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(PROBE_WITHIN_MS)]);
  try {
    return await new Promise<boolean>((resolve) => {
      listen(resolve);
      socket.once('close', () => resolve(false));
      if (over.aborted) resolve(false);
      over.addEventListener('abort', () => resolve(false), { once: true });
    });
  } finally {
    socket.destroy();
  }
}
