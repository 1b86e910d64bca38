/**
 * Keeps clients open between fires, one for each distinct set of connection settings.
 *
 * Keyed by the settings themselves, secrets included, never by the trigger's name: a URL that comes from a parameter,
 * or a rotated password, gets its own connection. If there are too many, the least recently used one is closed, but
 * never while it is in use.
 */
import { createHash } from 'node:crypto';

export interface ConnectionKind<Settings, Client> {
  open(settings: Settings): Promise<Client>;
  close(client: Client): Promise<void>;
  /** Returns false for a client that will not recover by itself; it is replaced before the next use. */
  isUsable?(client: Client): boolean;
}

interface Connection<Client> {
  readonly opening: Promise<Client>;
  /** Set once `opening` has resolved. */
  client?: Client;
  users: number;
  /** No longer handed out; closed after its last use. */
  retired: boolean;
}

export class ConnectionCache<Settings extends object, Client> {
  private readonly connections = new Map<string, Connection<Client>>();
  private readonly closing = new Set<Promise<void>>();
  private isClosed = false;

  constructor(
    private readonly kind: ConnectionKind<Settings, Client>,
    private readonly maxOpen = 32,
  ) {}

  /** Runs `work` with an open client for these settings. Rethrows errors of `open`; the next use retries it. */
  async use<Result>(settings: Settings, work: (client: Client) => Promise<Result>): Promise<Result> {
    const key = digestOf(settings);
    const connection = this.connectionFor(key, settings);
    connection.users += 1;
    try {
      return await work(await connection.opening);
    } finally {
      connection.users -= 1;
      this.closeIfUnused(connection);
    }
  }

  /**
   * Idempotent. Waits until every client that is not in use is closed. A client that is in use, or that is opened later
   * by a fire that outlived its worker, is closed after its last use.
   */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const [key, connection] of this.connections) this.retire(key, connection);
    await Promise.all(this.closing);
  }

  private connectionFor(key: string, settings: Settings): Connection<Client> {
    const present = this.connections.get(key);
    if (present !== undefined) {
      // Maps keep the order of insertion: the most recently used goes last.
      this.connections.delete(key);
      if (present.client === undefined || (this.kind.isUsable?.(present.client) ?? true)) {
        this.connections.set(key, present);
        return present;
      }
      this.retire(key, present);
    }
    return this.open(key, settings);
  }

  private open(key: string, settings: Settings): Connection<Client> {
    const connection: Connection<Client> = { opening: this.kind.open(settings), users: 0, retired: this.isClosed };
    if (!this.isClosed) this.connections.set(key, connection);
    connection.opening.then(
      (client) => (connection.client = client),
      () => this.forget(key, connection),
    );
    const [oldest] = this.connections;
    if (this.connections.size > this.maxOpen && oldest !== undefined) this.retire(...oldest);
    return connection;
  }

  private retire(key: string, connection: Connection<Client>): void {
    this.forget(key, connection);
    connection.retired = true;
    this.closeIfUnused(connection);
  }

  private forget(key: string, connection: Connection<Client>): void {
    if (this.connections.get(key) === connection) this.connections.delete(key);
  }

  private closeIfUnused(connection: Connection<Client>): void {
    if (!connection.retired || connection.users > 0) return;
    connection.retired = false;
    const closed = connection.opening
      .then((client) => this.kind.close(client))
      .catch(() => undefined)
      .finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }
}

/** Returns a digest, so that no password remains as a map key. */
function digestOf(settings: object): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64');
}
