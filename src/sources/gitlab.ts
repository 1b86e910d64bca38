/** Event source `gitlab`: webhooks of GitLab. A retry has the same `Idempotency-Key`, and so the same event id. */
import type { EventOptions } from '../manifest/event-source';
import { hookData } from './hook-events';
import { isSameText } from './hook-signatures';
import { HookSource, readHookSecret, type HookProtocol, type HookReading } from './hook-source';
import type { SourceContext, SourceOf } from './source';
import { RequestRefused, readHookJson, readHookText, type HookRequest } from './webhook-request';
import { WatchedSecret } from './webhook-secrets';

export const gitlabSource: SourceOf<'gitlab'> = {
  kind: 'gitlab',
  cloudEventType: 'gitlab',
  guarantee: 'at least once',
  create: (spec, context) => new HookSource(spec.webhook, context, new GitlabProtocol(spec, context)),
};

class GitlabProtocol implements HookProtocol {
  readonly methods = ['POST'];
  readonly secrets: readonly WatchedSecret[];

  constructor(
    private readonly spec: EventOptions<'gitlab'>,
    context: SourceContext,
  ) {
    const { secretToken } = spec;
    this.secrets = secretToken ? [new WatchedSecret('secretToken', secretToken, context)] : [];
  }

  async read(request: HookRequest): Promise<HookReading> {
    for (const secret of this.secrets) {
      if (isSameText(request.header('X-Gitlab-Token') ?? '', await readHookSecret(secret))) continue;
      throw new RequestRefused(401, 'X-Gitlab-Token is missing or does not match secretToken');
    }
    // X-Gitlab-Event-UUID is shared by hooks that one event causes in turn.
    const key = request.header('Idempotency-Key');
    const body = readHookJson(readHookText(request));
    return {
      events: [
        {
          ...(key && { transportId: key }),
          data: hookData(request, body, this.spec.metadata),
          time: new Date().toISOString(),
        },
      ],
    };
  }
}
