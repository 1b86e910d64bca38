import { createServer } from 'node:net';
import { SluiceError, describeError } from '../src/errors/sluice-error';

/**
 * Throws USAGE with the name of the setting if nothing can listen on the port. Temporal's runtime needs this check: when
 * its port is taken it goes on without metrics, and whoever owns the port is scraped in its place.
 */
export async function requireFreePort(port: number, host: string | undefined, setting: string): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ port, host, exclusive: true }, resolve);
    });
    await new Promise<void>((resolve) => probe.close(() => resolve()));
  } catch (error) {
    throw new SluiceError('USAGE', {
      message: `port ${port} of ${setting} cannot be used: ${describeError(error)}`,
      fix: `Set ${setting} to a free port.`,
      context: { setting, port },
      cause: error,
    });
  }
}
