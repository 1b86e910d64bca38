/** Event source `stripe`: webhooks of Stripe. A retry has the same `id`, and so the same event id. */
import { joinObject, valueOf } from '../event/json-text';
import { hookEvent, hookMetadata, isListed, textMember } from './hook-events';
import { hookSource } from './hook-source';
import type { SourceOf } from './source';
import { RequestRefused, readHookObject, readHookText } from './webhook-request';

export const stripeSource: SourceOf<'stripe'> = hookSource('stripe', ({ eventFilter, metadata }) => ({
  read(request) {
    const event = readHookObject(readHookText(request));
    const [id, type] = ['id', 'type'].map((name) => textMember(valueOf(event), name));
    if (id === undefined || type === undefined) {
      throw new RequestRefused(400, 'the body has no id and type, so it is no event of Stripe', true);
    }
    const leftOut = isListed(type, eventFilter) ? undefined : `its type is "${type}", which eventFilter does not list`;
    const data = joinObject({ event, ...hookMetadata(metadata) });
    return { events: [{ ...hookEvent(data, id), ...(leftOut && { leftOut }) }] };
  },
}));
