/** Connections to the hosts of a STAC API, guarded against blocked addresses. */
import { Agent, type Dispatcher } from 'undici';
import { allowedLookup, requireAllowedAddress } from '../clients/blocked-addresses';
import type { TlsSettings } from '../clients/tls';

const CONNECT_TIMEOUT_MS = 10_000;

/** Close it when done. */
export class StacConnection {
  private readonly own: Agent;
  /** For hosts that links and redirects lead to: they get neither the client certificate nor an unchecked connection. */
  private others: Agent | undefined;

  constructor(
    private readonly api: URL,
    tls?: TlsSettings,
  ) {
    this.own = createGuardedAgent(tls);
  }

  /** Throws AddressBlocked for a literal address that is blocked; names are checked when they are resolved. */
  dispatcherFor(url: URL): Dispatcher {
    requireAllowedAddress(url.hostname);
    if (url.host === this.api.host) return this.own;
    this.others ??= createGuardedAgent();
    return this.others;
  }

  /** Ends open requests, too. */
  async close(): Promise<void> {
    await Promise.all([this.own.destroy(), this.others?.destroy()]);
  }
}

/** Names that resolve to blocked addresses are refused; literal addresses are for the caller to check. */
export function createGuardedAgent(tls?: TlsSettings): Agent {
  return new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, lookup: allowedLookup, ...tls } });
}
