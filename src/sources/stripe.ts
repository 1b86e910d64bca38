/** Event source `stripe`: webhooks of Stripe. A retry has the same `id`, and so the same event id. */
import { joinObject, valueOf } from '../event/json-text';
import type { EventOptions } from '../manifest/event-source';
import { hookMetadata, textMember } from './hook-events';
import { HookSource, type HookProtocol, type HookReading } from './hook-source';
import type { SourceOf } from './source';
import { RequestRefused, readHookObject, readHookText, type HookRequest } from './webhook-request';

export const stripeSource: SourceOf<'stripe'> = {
  kind: 'stripe',
  cloudEventType: 'stripe',
  guarantee: 'at least once',
  create: (spec, context) => new HookSource(spec.webhook, context, new StripeProtocol(spec)),
};

class StripeProtocol implements HookProtocol {
  readonly methods = ['POST'];

  constructor(private readonly spec: EventOptions<'stripe'>) {}

  read(request: HookRequest): HookReading {
    const event = readHookObject(readHookText(request));
    const [id, type] = ['id', 'type'].map((name) => textMember(valueOf(event), name));
    if (id === undefined || type === undefined) {
      throw new RequestRefused(400, 'the body has no id and type, so it is no event of Stripe', true);
    }
    const { eventFilter = [], metadata } = this.spec;
    const isWanted = eventFilter.length === 0 || eventFilter.includes('*') || eventFilter.includes(type);
    return {
      events: [
        {
          transportId: id,
          data: joinObject({ event, ...hookMetadata(metadata) }),
          time: new Date().toISOString(),
          ...(!isWanted && { leftOut: `its type is "${type}", which eventFilter does not list` }),
        },
      ],
    };
  }
}
