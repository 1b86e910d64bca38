import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { PortTakenError } from '../dev-server-error';

// Below the ephemeral ranges of Linux and macOS: there, a client that retries its connection to a stopped server
// can be given that very port for its own end, connect to itself, and keep the server from coming back.
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;
const ATTEMPTS = 5;

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Returns a TCP port of 127.0.0.1 that has no listener right now. */
async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await canBind(port)) return port;
  }
}

/**
 * Calls `start` with `count` free ports, and again with others if one was taken in between. Ports given in `wanted` are
 * used as they are.
 */
export async function startOnFreePorts<T>(
  wanted: readonly (number | undefined)[],
  start: (...ports: number[]) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports: number[] = [];
    for (const port of wanted) ports.push(port ?? (await findFreePort()));
    try {
      return await start(...ports);
    } catch (error) {
      const mayRetry = error instanceof PortTakenError && attempt < ATTEMPTS && wanted.includes(undefined);
      if (!mayRetry) throw error;
    }
  }
}
