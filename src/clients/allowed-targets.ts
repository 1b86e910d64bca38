/** Checks the servers that a trigger names, for clients that resolve names themselves. */
import { SluiceError } from '../errors/sluice-error';
import { AddressBlocked, BLOCKED_ADDRESS_FIX, requireAllowedHost } from './blocked-addresses';

/**
 * Throws TRIGGER_REFUSED if a server is at a blocked address; call it before each connection. `addresses` are
 * `host:port`, with an IPv6 address in brackets. A name that resolves differently a moment later is not noticed: these
 * protocols return nothing that a metadata service says.
 */
export async function requireAllowedTargets(what: string, addresses: readonly string[]): Promise<void> {
  try {
    await Promise.all(addresses.map((address) => requireAllowedHost(hostOf(address))));
  } catch (error) {
    if (!(error instanceof AddressBlocked)) throw error;
    const message = `${what} is not contacted: ${error.message}`;
    throw new SluiceError('TRIGGER_REFUSED', { message, fix: BLOCKED_ADDRESS_FIX });
  }
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}
