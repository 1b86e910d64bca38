/** A connection to a server with JetStream that is opened again whenever it ends. */
import { jetstreamManager, JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { ConnectionOwner } from '../clients/connection-owner';
import type { NatsServerSpec } from '../clients/nats/nats-connection';
import { endNats, NatsServer, natsVerdict } from '../clients/nats/nats-server';
import { Reconnection, type FailureVerdict } from '../clients/reconnection';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { errorText, hasErrorName } from '../errors/foreign-errors';
import { isSluiceError, type SluiceError } from '../errors/sluice-error';
import { ConsumerUnfit, hasApiCode, type StreamConsumer } from './nats-jet-stream-consumer';

const REPLY_WITHIN_MS = 5_000;

export interface OpenJetStream {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  /** A right that the user lacks: the server reports it apart from the request. */
  denied?: Error;
}

export class JetStreamLink {
  private readonly server: NatsServer;
  private readonly reconnection: Reconnection;
  private readonly closing = new AbortController();
  private readonly judged = new WeakSet<OpenJetStream>();
  private current: OpenJetStream | undefined;
  private opening: Promise<OpenJetStream> | undefined;

  constructor(
    spec: NatsServerSpec,
    private readonly place: StreamConsumer,
    owner: ConnectionOwner,
  ) {
    this.server = new NatsServer(spec, owner);
    this.reconnection = new Reconnection(this.server.name, owner.log);
  }

  /** Undefined while there is none. */
  get connected(): OpenJetStream | undefined {
    return this.current;
  }

  problem(): string | undefined {
    return this.reconnection.problem();
  }

  /** Returns the open connection, or a new one as soon as there is one. Throws errors that an operator must fix. */
  async open(signal: AbortSignal): Promise<OpenJetStream> {
    signal.throwIfAborted();
    if (this.current !== undefined) return this.current;
    if (this.opening === undefined) {
      this.opening = this.connect().finally(() => (this.opening = undefined));
      // Each caller that waits handles the error; there may be none left.
      this.opening.catch(() => undefined);
    }
    return await unlessAborted(this.opening, signal);
  }

  /** Connects once, for one request. */
  async probe(ask: (manager: JetStreamManager) => Promise<unknown>, signal: AbortSignal): Promise<void> {
    let open: OpenJetStream | undefined;
    try {
      open = await this.connectOnce(signal);
      await unlessAborted(ask(open.manager), signal);
    } catch (error) {
      const reason = open?.denied ?? error;
      throw this.failure(reason, verdictOf(reason) === 'transient' ? 'unreachable' : 'misconfigured');
    } finally {
      if (open !== undefined) endNats(open.nats);
    }
  }

  /** Called when JetStream has done what it was asked for. */
  worked(): void {
    this.reconnection.worked();
  }

  /** Called when a request failed: another connection is opened. Throws the error for the operator if that cannot help. */
  failed(error: unknown, failing: OpenJetStream | undefined): void {
    if (failing !== undefined && this.current === failing) this.drop();
    if (isSluiceError(error)) throw error;
    const reason = failing?.denied ?? error;
    if (failing !== undefined && this.judged.has(failing)) {
      if (verdictOf(reason) === 'permanent') throw this.failure(reason, 'misconfigured');
      return;
    }
    if (failing !== undefined) this.judged.add(failing);
    if (!this.reconnection.failed(this.describe(reason), verdictOf(reason)))
      throw this.failure(reason, 'misconfigured');
  }

  close(): void {
    this.closing.abort();
    this.drop();
  }

  private drop(): void {
    if (this.current !== undefined) endNats(this.current.nats);
    this.current = undefined;
  }

  private async connect(): Promise<OpenJetStream> {
    const { signal } = this.closing;
    for (;;) {
      await this.reconnection.pause(signal);
      try {
        const opened = await this.connectOnce(signal);
        this.current = opened;
        void opened.nats.closed().then((reason) => this.ended(opened, reason));
        return opened;
      } catch (error) {
        signal.throwIfAborted();
        this.failed(error, undefined);
      }
    }
  }

  private async connectOnce(signal: AbortSignal): Promise<OpenJetStream> {
    const nats = await this.server.open(signal);
    // JetStream is asked for what the source needs only; a user may lack the right to more.
    const opened: OpenJetStream = {
      nats,
      manager: await jetstreamManager(nats, { checkAPI: false, timeout: REPLY_WITHIN_MS }),
    };
    void watchRights(opened);
    return opened;
  }

  /** There may be no request in flight, so the reason for the end is reported here. */
  private ended(opened: OpenJetStream, reason: unknown): void {
    if (this.current !== opened) return;
    this.current = undefined;
    this.judged.add(opened);
    const error = opened.denied ?? (reason || new Error('the connection was closed'));
    this.reconnection.failed(this.describe(error), verdictOf(error));
  }

  private failure(error: unknown, kind: 'unreachable' | 'misconfigured'): SluiceError {
    const { stream, consumer } = this.place;
    const isConsumer = error instanceof ConsumerUnfit || isRefusal(error);
    const rights = isConsumer
      ? `may use a pull consumer "${consumer}" of the stream "${stream}", with explicit acknowledgement`
      : `may read the stream "${stream}" through the consumer "${consumer}": docs/sources/ lists the subjects`;
    return this.server.failure(error, kind, rights);
  }

  private describe(error: unknown): string {
    if (hasApiCode(error, JetStreamApiCodes.StreamNotFound)) return `the stream "${this.place.stream}" does not exist`;
    return errorText(error);
  }
}

async function watchRights(opened: OpenJetStream): Promise<void> {
  for await (const status of opened.nats.status()) {
    if (status.type !== 'error' || !hasErrorName(status.error, 'PermissionViolationError')) continue;
    opened.denied = status.error;
    endNats(opened.nats);
  }
}

/** The server understands the request, and will never accept it: subjects that overlap, a name that it does not allow. */
function isRefusal(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.status === 400;
}

function verdictOf(error: unknown): FailureVerdict {
  return error instanceof ConsumerUnfit || isRefusal(error) ? 'permanent' : natsVerdict(error);
}
