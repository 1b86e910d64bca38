/** Event source `bitbucket`: webhooks of Bitbucket Cloud. A retry has the same `X-Request-UUID`, and so the same event id. */
import { hookData, hookEvent } from './hook-events';
import { isSignedBy } from './hook-signatures';
import { hookSource, readHookSecret } from './hook-source';
import type { SourceOf } from './source';
import { RequestRefused, readHookJson, readHookText } from './webhook-request';
import { watchedSecrets } from './webhook-secrets';

export const bitbucketSource: SourceOf<'bitbucket'> = hookSource('bitbucket', ({ metadata }, context) => {
  const secrets = watchedSecrets({ 'sluice.io/signature-secret': context.signatureSecret }, context);
  return {
    secrets,
    async read(request) {
      for (const watched of secrets) {
        const [given, secret] = [request.header('X-Hub-Signature') ?? '', await readHookSecret(watched)];
        if (isSignedBy(given, { prefix: 'sha256=', algorithm: 'sha256', secret }, request.content)) continue;
        throw new RequestRefused(401, 'X-Hub-Signature is missing or does not match sluice.io/signature-secret');
      }
      const data = hookData(request, readHookJson(readHookText(request)), metadata);
      return { events: [hookEvent(data, request.header('X-Request-Uuid'))] };
    },
  };
});
