/** Event source `gitlab`: webhooks of GitLab. A retry has the same `Idempotency-Key`, and so the same event id. */
import { hookData, hookEvent } from './hook-events';
import { isSameText } from './hook-signatures';
import { hookSource, readHookSecret } from './hook-source';
import type { SourceOf } from './source';
import { RequestRefused, readHookJson, readHookText } from './webhook-request';
import { watchedSecrets } from './webhook-secrets';

export const gitlabSource: SourceOf<'gitlab'> = hookSource('gitlab', ({ secretToken, metadata }, context) => {
  const secrets = watchedSecrets({ secretToken }, context);
  return {
    secrets,
    async read(request) {
      for (const secret of secrets) {
        if (isSameText(request.header('X-Gitlab-Token') ?? '', await readHookSecret(secret))) continue;
        throw new RequestRefused(401, 'X-Gitlab-Token is missing or does not match secretToken');
      }
      const data = hookData(request, readHookJson(readHookText(request)), metadata);
      // X-Gitlab-Event-UUID is shared by hooks that one event causes in turn.
      return { events: [hookEvent(data, request.header('Idempotency-Key'))] };
    },
  };
});
