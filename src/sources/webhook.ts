/**
 * Event source `webhook`: HTTP requests, each answered only once the bus has the event.
 *
 * At least once for callers that repeat what was not answered with 200; a repetition with the same CloudEvents id,
 * STAC item version or `Idempotency-Key` is recognised.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SluiceError, describeError } from '../errors';
import type { JsonObject } from '../event/json';
import type { WebhookEventSource } from '../manifest/sources/webhook';
import { describeSource } from './describe-source';
import type { Delivery, ReceivedEvent, Source, SourceContext, SourceFactory, SourceStatus } from './source';
import { RequestRefused, readWebhookRequest, type RequestRules, type WebhookRequest } from './webhook-request';
import { RouteConflict, addWebhookRoute, respond, type ServerCertificate } from './webhook-server';

const DEFAULT_MAX_PAYLOAD_BYTES = 1_048_576;
/** Callers usually give up after ten seconds; they shall have an answer by then. */
const PATIENCE_MS = 8_000;
const MAX_WAITING = 1_000;

export const webhookSource: SourceFactory<WebhookEventSource> = {
  kind: 'webhook',
  cloudEventType: 'webhook',
  guarantee: 'at least once',
  create: (spec, context) => new WebhookSource(spec, context),
};

class WebhookSource implements Source {
  readonly patienceMs = PATIENCE_MS;
  private readonly waiting: Delivery[] = [];
  private unanswered = 0;
  private wake: (() => void) | undefined;
  private removeRoute: (() => Promise<void>) | undefined;

  constructor(
    private readonly spec: WebhookEventSource,
    private readonly context: SourceContext,
  ) {}

  async check(): Promise<void> {
    this.port();
    await Promise.all([this.rules(), this.certificate()]);
  }

  status(): SourceStatus {
    return { connected: this.removeRoute !== undefined, dropped: 0 };
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    await this.listen();
    const wakeUp = (): void => this.wakeUp();
    signal.addEventListener('abort', wakeUp, { once: true });
    try {
      for (;;) {
        for (let next = this.waiting.shift(); next; next = this.waiting.shift()) yield next;
        if (signal.aborted) return;
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
    }
  }

  async close(): Promise<void> {
    const remove = this.removeRoute;
    this.removeRoute = undefined;
    const stopping = new Error('the event source is stopping');
    await Promise.all(this.waiting.splice(0).map((delivery) => delivery.release(stopping)));
    await remove?.();
  }

  private async listen(): Promise<void> {
    const [rules, certificate] = await Promise.all([this.rules(), this.certificate()]);
    const port = this.port();
    try {
      this.removeRoute = await addWebhookRoute(port, this.endpoint(), certificate, (request, response) =>
        this.receive(request, response, rules),
      );
    } catch (error) {
      throw new SluiceError(
        error instanceof RouteConflict ? 'EVENT_SOURCE_MISCONFIGURED' : 'EVENT_SOURCE_UNREACHABLE',
        {
          message: `${describeSource(this.context)}: ${describeError(error)}`,
          fix: 'Give each webhook an endpoint and, if needed, a port of its own.',
          context: { eventSource: this.context.eventSourceName, event: this.context.eventName, port },
          cause: error,
        },
      );
    }
    this.context.log('info', `listening on port ${port}, endpoint ${this.endpoint()}`);
  }

  private async receive(request: IncomingMessage, response: ServerResponse, rules: RequestRules): Promise<void> {
    if (this.context.signal.aborted || this.unanswered >= MAX_WAITING) {
      respond(response, 503, 'busy, please try again', { 'Retry-After': '1' });
      return;
    }
    this.unanswered += 1;
    response.once('close', () => (this.unanswered -= 1));
    try {
      const { headers, body } = await readWebhookRequest(request, rules);
      this.hand(this.toDelivery(this.toEvent({ headers, body }), response));
    } catch (error) {
      this.refuse(error, request, response);
    }
  }

  private refuse(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (!(error instanceof RequestRefused)) {
      // The caller hung up in the middle of its request.
      response.destroy();
      return;
    }
    // The rest of a body that is too large is not read.
    respond(response, error.status, error.message, request.complete ? {} : { Connection: 'close' });
    if (!error.isUndecodable) return;
    const rejected = {
      code: 'EVENT_UNDECODABLE',
      reason: `${request.method} ${this.endpoint()}: ${error.message}`,
    } as const;
    const nothing = (): Promise<void> => Promise.resolve();
    this.hand({ events: [], rejected: [rejected], acknowledge: nothing, release: nothing });
  }

  private hand(delivery: Delivery): void {
    this.waiting.push(delivery);
    this.wakeUp();
  }

  private wakeUp(): void {
    this.wake?.();
    this.wake = undefined;
  }

  private toDelivery(event: ReceivedEvent, response: ServerResponse): Delivery {
    return {
      events: [event],
      rejected: [],
      ...(event.time !== undefined && { position: event.time }),
      acknowledge: () => {
        respond(response, 200, 'success');
        return Promise.resolve();
      },
      release: () => {
        respond(response, 500, 'failed to record event');
        return Promise.resolve();
      },
    };
  }

  private toEvent({ headers, body }: WebhookRequest): ReceivedEvent {
    const { metadata } = this.spec;
    const header = (name: string): string | undefined => headers[name]?.[0];
    const idempotencyKey = header('Idempotency-Key');
    const traceparent = header('Traceparent');
    return {
      data: { header: headers, body, ...(metadata && Object.keys(metadata).length > 0 && { metadata }) },
      document: binaryCloudEvent(header('Ce-Specversion'), header('Ce-Source'), header('Ce-Id')) ?? body,
      time: new Date().toISOString(),
      ...(idempotencyKey !== undefined && { transportId: idempotencyKey }),
      ...(traceparent !== undefined && { traceparent }),
    };
  }

  private async rules(): Promise<RequestRules> {
    const { authSecret, method, maxPayloadSize } = this.spec;
    return {
      method: method ? method.toUpperCase() : undefined,
      token: authSecret && (await this.context.secrets.secret(this.context.namespace, authSecret)).trim(),
      maxPayloadBytes: maxPayloadSize && maxPayloadSize > 0 ? maxPayloadSize : DEFAULT_MAX_PAYLOAD_BYTES,
    };
  }

  private async certificate(): Promise<ServerCertificate | undefined> {
    const { serverCertSecret, serverKeySecret } = this.spec;
    if (!serverCertSecret || !serverKeySecret) return undefined;
    const { secrets, namespace } = this.context;
    const [cert, key] = await Promise.all([
      secrets.secret(namespace, serverCertSecret),
      secrets.secret(namespace, serverKeySecret),
    ]);
    return { cert, key };
  }

  private endpoint(): string {
    return this.spec.endpoint.startsWith('/') ? this.spec.endpoint : `/${this.spec.endpoint}`;
  }

  private port(): number {
    const port = Number(this.spec.port);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `${describeSource(this.context)}: port is "${this.spec.port}"`,
      fix: 'Write a port number between 1 and 65535, in quotes.',
      context: { eventSource: this.context.eventSourceName, event: this.context.eventName },
    });
  }
}

/** CloudEvents in HTTP's binary mode: its identity is in the headers, the body is the data alone. */
function binaryCloudEvent(
  specversion: string | undefined,
  source: string | undefined,
  id: string | undefined,
): JsonObject | undefined {
  return specversion !== undefined && source !== undefined && id !== undefined
    ? { specversion, source, id }
    : undefined;
}
