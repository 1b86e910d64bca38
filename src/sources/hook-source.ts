/**
 * Event sources that receive HTTP requests: one server per port, shared by all kinds of hook. Each request is answered
 * only once the bus has its events.
 *
 * A kind of hook is a HookProtocol: it verifies a request and makes events of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Wakers } from '../concurrency/wakers';
import { describeError } from '../errors/sluice-error';
import type { EventOptions } from '../manifest/event-source';
import type { WebhookContext } from '../manifest/sources/shared';
import type { Delivery, ReceivedEvent, RejectedEvent, Source, SourceContext, SourceOf, SourceStatus } from './source';
import { describeSource, sourceFailure } from './source-failure';
import { BodyReader } from './webhook-body';
import { CredentialMask } from './webhook-masking';
import { WebhookRefusals } from './webhook-refusals';
import { RequestRefused, readHookRequest, type HookRequest, type RequestRules } from './webhook-request';
import { CertificateWatch, WatchedSecret, readCertificate } from './webhook-secrets';
import { RouteConflict, addWebhookRoute, respond, type WebhookListener } from './webhook-server';

/** What one kind of hook makes of a request. */
export interface HookProtocol {
  /** Without `method` in the manifest; default POST. */
  readonly methods?: readonly string[];
  /** Read before it listens, and watched while it does. */
  readonly secrets?: readonly WatchedSecret[];
  /** Throws RequestRefused. */
  read(request: HookRequest, mask: CredentialMask): HookReading | Promise<HookReading>;
}

export interface HookReading {
  readonly events: readonly ReceivedEvent[];
  /** The body of the response; default "success". */
  readonly answer?: string;
}

type HookKind = 'bitbucket' | 'bitbucketserver' | 'github' | 'gitlab' | 'slack' | 'sns' | 'stripe';

/** The source for the hooks of one service, which the service sends again until they are accepted. */
export function hookSource<Kind extends HookKind>(
  kind: Kind,
  protocolOf: (spec: EventOptions<Kind>, context: SourceContext) => HookProtocol,
): SourceOf<Kind> {
  return {
    kind,
    guarantee: 'at least once',
    create: (spec, context) => new HookSource(spec.webhook, context, protocolOf(spec, context)),
  };
}

/** The value of a secret of a protocol. Throws RequestRefused if it cannot be read. */
export async function readHookSecret(secret: WatchedSecret): Promise<string> {
  try {
    return await secret.read();
  } catch {
    throw new RequestRefused(500, `Error loading the Secret of ${secret.field}`);
  }
}

const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576;
/**
 * Whatever the manifest says: a body is parsed in one piece, in the thread that serves everybody. NATS advises at most
 * 8 MB.
 */
const LARGEST_MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
/** Callers usually time out after ten seconds, so they get a response before that. */
const PATIENCE_MS = 8_000;
/** The rest of it is for publishing. */
const QUEUE_PATIENCE_MS = PATIENCE_MS / 2;
/** Requests that were read and wait for the bus; a single request may always exceed the limit in bytes. */
const MAX_WAITING = 1_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

interface QueuedRequest {
  readonly delivery: Delivery;
  expiry?: NodeJS.Timeout;
}

export class HookSource implements Source {
  readonly patienceMs = PATIENCE_MS;
  private readonly queue: QueuedRequest[] = [];
  /** Read, and neither on the bus nor given up; includes requests whose callers have hung up. */
  private waiting = 0;
  private waitingBytes = 0;
  private unauthorized = 0;
  private readonly wakers = new Wakers();
  private listener: WebhookListener | undefined;
  private isClosed = false;
  private certificates: CertificateWatch | undefined;
  private readonly bodies: BodyReader;
  private readonly refusals: WebhookRefusals;
  private readonly rules: RequestRules;
  private readonly secrets: readonly WatchedSecret[];
  private readonly hook: WebhookContext;

  constructor(
    hook: WebhookContext | undefined,
    private readonly context: SourceContext,
    private readonly protocol: HookProtocol,
  ) {
    if (hook === undefined) {
      throw sourceFailure(context, 'misconfigured', {
        message: 'webhook is missing',
        fix: 'Add webhook with endpoint and port',
      });
    }
    this.hook = hook;
    const { authSecret, method, maxPayloadSize } = hook;
    const wanted = maxPayloadSize && maxPayloadSize > 0 ? maxPayloadSize : DEFAULT_MAX_PAYLOAD_BYTES;
    const maxPayloadBytes = Math.min(wanted, LARGEST_MAX_PAYLOAD_BYTES);
    const token = authSecret && new WatchedSecret('authSecret', authSecret, context);
    this.secrets = [...(token ? [token] : []), ...(protocol.secrets ?? [])];
    this.bodies = new BodyReader(maxPayloadBytes);
    this.refusals = new WebhookRefusals((text) => context.log('warn', `${describeSource(context)}: ${text}`));
    this.rules = {
      methods: method ? [method.toUpperCase()] : (protocol.methods ?? ['POST']),
      token: token && (() => token.read()),
      mask: new CredentialMask(context.maskedHeaders),
      maxPayloadBytes,
    };
  }

  async check(): Promise<void> {
    this.port();
    await Promise.all([this.readSecrets(), readCertificate(this.hook, this.context)]);
  }

  status(): SourceStatus {
    const [shutOut] = this.secrets.flatMap((secret) => secret.problem() ?? []);
    const problem = shutOut ?? this.certificates?.problem() ?? this.refusals.problem();
    const connected = this.listener !== undefined && shutOut === undefined;
    const { unauthorized } = this;
    return { connected, dropped: 0, unauthorized, ...(problem !== undefined && { problem }) };
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    await this.listen();
    const stop = (): void => {
      this.bodies.stop();
      this.wakers.wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      for (;;) {
        for (let next = this.queue.shift(); next; next = this.queue.shift()) {
          clearTimeout(next.expiry);
          yield next.delivery;
        }
        if (this.isStopping()) return;
        await this.wakers.wait();
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    const { listener } = this;
    this.listener = undefined;
    this.isClosed = true;
    this.certificates?.stop();
    for (const secret of this.secrets) secret.stop();
    this.bodies.stop();
    this.wakers.wake();
    const stopping = new Error('the event source is stopping');
    const left = this.queue.splice(0);
    for (const { expiry } of left) clearTimeout(expiry);
    await Promise.all(left.map(({ delivery }) => delivery.release(stopping)));
    await listener?.remove();
  }

  private async listen(): Promise<void> {
    const [certificate] = await Promise.all([readCertificate(this.hook, this.context), this.readSecrets()]);
    const port = this.port();
    if (this.isStopping()) return;
    try {
      const { namespace, eventSourceName, eventName } = this.context;
      const owner = `${namespace}/${eventSourceName}/${eventName}`;
      const listener = await addWebhookRoute(port, this.endpoint(), owner, certificate, (request, response) =>
        this.receive(request, response),
      );
      if (this.isStopping()) return await listener.remove();
      this.listener = listener;
      for (const secret of this.secrets) secret.watch();
      if (certificate) {
        const replace = listener.replaceCertificate.bind(listener);
        this.certificates = new CertificateWatch(this.hook, this.context, certificate, replace);
      }
    } catch (error) {
      throw sourceFailure(this.context, error instanceof RouteConflict ? 'misconfigured' : 'unreachable', {
        message: describeError(error),
        fix: 'Give each webhook an endpoint and, if needed, a port of its own.',
        context: { port },
        cause: error,
      });
    }
    this.context.log('info', `listening on port ${port}, endpoint ${this.endpoint()}`);
  }

  private async readSecrets(): Promise<void> {
    await Promise.all(this.secrets.map((secret) => secret.read()));
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.refuseIfBusy(0);
      const read = await readHookRequest(request, this.rules, this.bodies);
      const bytes = read.content.length + read.query.length;
      this.refuseIfBusy(bytes);
      const { events, answer = 'success' } = await this.protocol.read(read, this.rules.mask);
      if (events.length === 0) respond(response, 200, answer);
      else this.hand(this.toDelivery(events, bytes, answer, response), () => this.refuse(busy(), request, response));
    } catch (error) {
      this.refuse(error, request, response);
    }
  }

  /** Requests are no longer accepted, and a resource that opens now has no owner to close it. */
  private isStopping(): boolean {
    return this.context.signal.aborted || this.isClosed;
  }

  /** `bytes`: the part of the body that would have to be kept. */
  private refuseIfBusy(bytes: number): void {
    const isFull = this.waiting >= MAX_WAITING || (this.waiting > 0 && this.waitingBytes + bytes > MAX_WAITING_BYTES);
    if (this.isStopping() || isFull) {
      throw busy();
    }
  }

  private refuse(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (!(error instanceof RequestRefused)) {
      // The caller hung up in the middle of its request.
      response.destroy();
      return;
    }
    const { status, message } = error;
    if (!this.context.signal.aborted) this.noteRefusal(status);
    // The rest of a refused body is not read.
    respond(response, status, message, {
      ...(!request.complete && { Connection: 'close' }),
      ...(status === 503 && { 'Retry-After': '1' }),
    });
    if (!error.isUndecodable) return;
    const rejected = {
      code: status === 413 ? 'BUS_EVENT_TOO_LARGE' : 'EVENT_UNDECODABLE',
      reason: `${request.method} ${this.endpoint()}: ${message}`,
    } as const;
    // Until it is recorded, it waits like an event: a flood of them must not grow while the bus is away.
    this.waiting += 1;
    const settled = (): Promise<void> => {
      this.waiting -= 1;
      return Promise.resolve();
    };
    this.hand({ events: [], rejected: [rejected], acknowledge: settled, release: settled });
  }

  private noteRefusal(status: number): void {
    if (status === 503) this.refusals.note('busy');
    else if (status === 408) this.refusals.note('slow');
    else if (status === 500) this.refusals.note('secret');
    else if (status === 401 || status === 403) {
      this.unauthorized += 1;
      this.refusals.note('unauthorized');
    }
  }

  /** `expire`: what to answer if nobody reads the delivery in time. */
  private hand(delivery: Delivery, expire?: () => void): void {
    const queued: QueuedRequest = { delivery };
    this.queue.push(queued);
    this.wakers.wake();
    if (expire === undefined) return;
    queued.expiry = setTimeout(() => {
      this.queue.splice(this.queue.indexOf(queued), 1);
      expire();
      void delivery.release(new Error('not read in time'));
    }, QUEUE_PATIENCE_MS);
  }

  private toDelivery(
    events: readonly ReceivedEvent[],
    bytes: number,
    answer: string,
    response: ServerResponse,
  ): Delivery {
    this.waiting += 1;
    this.waitingBytes += bytes;
    const settled = (): Promise<void> => {
      this.waiting -= 1;
      this.waitingBytes -= bytes;
      return Promise.resolve();
    };
    const time = events.at(-1)?.time;
    return {
      events,
      rejected: [],
      receivedAt: performance.now(),
      ...(time !== undefined && { position: time }),
      acknowledge: ({ rejected: [rejection] }) => {
        if (rejection) answerRejection(response, rejection);
        else respond(response, 200, answer);
        return settled();
      },
      release: () => {
        respond(response, 500, 'failed to record event');
        return settled();
      },
    };
  }

  private endpoint(): string {
    return this.hook.endpoint.startsWith('/') ? this.hook.endpoint : `/${this.hook.endpoint}`;
  }

  private port(): number {
    const port = Number(this.hook.port);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
    throw sourceFailure(this.context, 'misconfigured', {
      message: `port is "${this.hook.port}"`,
      fix: 'Write a port number between 1 and 65535, in quotes.',
    });
  }
}

function busy(): RequestRefused {
  return new RequestRefused(503, 'busy, please try again');
}

/** Never 200 for an event that the bus does not have: the caller must learn that retrying it is useless. */
function answerRejection(response: ServerResponse, { code, reason }: RejectedEvent): void {
  switch (code) {
    case 'BUS_EVENT_TOO_LARGE':
      return respond(response, 413, reason);
    case 'EVENT_UNDECODABLE':
      return respond(response, 400, reason);
    default:
      return respond(response, 500, 'failed to record event');
  }
}
