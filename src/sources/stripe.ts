/** Event source `stripe`: webhooks of Stripe. A retry has the same `id`, and so the same event id. */
import { createHmac } from 'node:crypto';
import { joinObject, valueOf } from '../event/json-text';
import { hookEvent, hookMetadata, isListed, textMember } from './hook-events';
import { isSameText } from './hook-signatures';
import { hookSource, readHookSecret } from './hook-source';
import type { SourceOf } from './source';
import { RequestRefused, readHookObject, readHookText, type HookRequest } from './webhook-request';
import { watchedSecrets } from './webhook-secrets';

/** Stripe's own libraries accept signatures of the last five minutes. */
const MAX_AGE_SECONDS = 300;
/** While an endpoint's secret is rolled, Stripe signs with two; more only cost time. */
const MOST_SIGNATURES = 5;
/** Of Stripe's own; callers may send any. */
const LONGEST_TYPE = 100;

export const stripeSource: SourceOf<'stripe'> = hookSource('stripe', ({ eventFilter, metadata }, context) => {
  const secrets = watchedSecrets({ 'sluice.io/signature-secret': context.signatureSecret }, context);
  return {
    secrets,
    async read(request) {
      for (const secret of secrets) requireSignature(request, await readHookSecret(secret));
      const event = readHookObject(readHookText(request));
      const [id, type] = ['id', 'type'].map((name) => textMember(valueOf(event), name));
      if (id === undefined || type === undefined) {
        throw new RequestRefused(400, 'the body has no id and type, so it is no event of Stripe', true);
      }
      const leftOut = isListed(type, eventFilter)
        ? undefined
        : `its type is "${type.slice(0, LONGEST_TYPE)}", which eventFilter does not list`;
      const data = joinObject({ event, ...hookMetadata(metadata) });
      return { events: [{ ...hookEvent(data, id), ...(leftOut && { leftOut }) }] };
    },
  };
});

/** `Stripe-Signature: t=<seconds>,v1=<hexadecimal>,…`, the HMAC of the time, a dot and the body. */
function requireSignature(request: HookRequest, secret: string): void {
  const pairs = (request.header('Stripe-Signature') ?? '').split(',').map((pair) => pair.trim().split('='));
  const timestamp = pairs.find(([name]) => name === 't')?.[1] ?? '';
  const ageSeconds = Math.abs(Date.now() / 1_000 - Number(timestamp));
  // Also for a timestamp that is no number.
  if (timestamp === '' || !(ageSeconds <= MAX_AGE_SECONDS)) {
    throw new RequestRefused(401, 'Stripe-Signature is missing, or its time is more than five minutes away');
  }
  const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(request.content).digest('hex');
  const given = pairs.flatMap(([name, value = '']) => (name === 'v1' ? [value] : [])).slice(0, MOST_SIGNATURES);
  if (given.some((signature) => isSameText(signature, expected))) return;
  throw new RequestRefused(401, 'the signature does not match sluice.io/signature-secret');
}
