/**
 * Event source `webhook`: HTTP requests of any client.
 *
 * At least once for callers that retry requests that did not return 200; a retry with the same CloudEvents id, STAC
 * item version or `Idempotency-Key` is recognised.
 */
import { isName } from '../event/event-id';
import type { JsonObject } from '../event/json';
import { joinObject, sortedObject } from '../event/json-text';
import type { WebhookEventSource } from '../manifest/sources/webhook';
import { hookMetadata } from './hook-events';
import { HookSource, type HookProtocol } from './hook-source';
import type { ReceivedEvent, SourceOf } from './source';
import type { CredentialMask } from './webhook-masking';
import { readHookBody, type HookRequest } from './webhook-request';

export const webhookSource: SourceOf<'webhook'> = {
  kind: 'webhook',
  guarantee: 'at least once',
  create: (spec, context) => new HookSource(spec, context, new WebhookProtocol(spec)),
};

class WebhookProtocol implements HookProtocol {
  readonly methods = ['GET', 'POST'];

  constructor(private readonly spec: WebhookEventSource) {}

  read(request: HookRequest, mask: CredentialMask) {
    return { events: [this.toEvent(request, mask)] };
  }

  private toEvent(request: HookRequest, mask: CredentialMask): ReceivedEvent {
    const body = readHookBody(request, mask);
    const idempotencyKey = request.header('Idempotency-Key')?.trim();
    const traceparent = request.header('Traceparent');
    return {
      data: joinObject({
        header: sortedObject(request.headers),
        body,
        ...hookMetadata(this.spec.metadata),
      }),
      document:
        binaryCloudEvent(request.header('Ce-Specversion'), request.header('Ce-Source'), request.header('Ce-Id')) ??
        body,
      time: new Date().toISOString(),
      ...(idempotencyKey && { transportId: idempotencyKey }),
      ...(traceparent !== undefined && { traceparent }),
    };
  }
}

/** CloudEvents in HTTP's binary mode: the event's identity is in the headers, the body is the data alone. */
function binaryCloudEvent(
  specversion: string | undefined,
  source: string | undefined,
  id: string | undefined,
): JsonObject | undefined {
  return specversion !== undefined && isName(source) && isName(id) ? { specversion, source, id } : undefined;
}
