/** Event source `github`: webhooks of GitHub. The id of a delivery is the id of its event. */
import { membersOf, sortedObject } from '../event/json-text';
import type { EventOptions } from '../manifest/event-source';
import { hookData } from './hook-events';
import { isSignedBy } from './hook-signatures';
import { HookSource, readHookSecret, type HookProtocol, type HookReading } from './hook-source';
import type { SourceContext, SourceOf } from './source';
import { RequestRefused, isForm, readHookObject, readHookText, type HookRequest } from './webhook-request';
import { WatchedSecret } from './webhook-secrets';

export const githubSource: SourceOf<'github'> = {
  kind: 'github',
  cloudEventType: 'github',
  guarantee: 'at least once',
  create: (spec, context) => new HookSource(spec.webhook, context, new GithubProtocol(spec, context)),
};

class GithubProtocol implements HookProtocol {
  readonly methods = ['POST'];
  readonly secrets: readonly WatchedSecret[];

  constructor(
    private readonly spec: EventOptions<'github'>,
    context: SourceContext,
  ) {
    const { webhookSecret } = spec;
    this.secrets = webhookSecret ? [new WatchedSecret('webhookSecret', webhookSecret, context)] : [];
  }

  async read(request: HookRequest): Promise<HookReading> {
    for (const secret of this.secrets) requireSignature(request, await readHookSecret(secret));
    const [event = '', delivery = ''] = [request.header('X-Github-Event'), request.header('X-Github-Delivery')];
    const payload = membersOf(readHookObject(payloadText(request)));
    const body = sortedObject({ ...payload, 'X-GitHub-Event': event, 'X-GitHub-Delivery': delivery });
    const { events = [], metadata } = this.spec;
    const isWanted = events.length === 0 || events.includes('*') || events.includes(event);
    return {
      events: [
        {
          ...(delivery && { transportId: delivery }),
          data: hookData(request, body, metadata),
          time: new Date().toISOString(),
          ...(!isWanted && { leftOut: `X-GitHub-Event is "${event}", which events does not list` }),
        },
      ],
    };
  }
}

/** GitHub signs the body as it is sent; the older signature is the only one of old GitHub Enterprise servers. */
function requireSignature(request: HookRequest, secret: string): void {
  const [sha256, sha1] = [request.header('X-Hub-Signature-256'), request.header('X-Hub-Signature')];
  const isSigned =
    sha256 === undefined
      ? sha1 !== undefined && isSignedBy(sha1, { prefix: 'sha1=', algorithm: 'sha1', secret }, request.content)
      : isSignedBy(sha256, { prefix: 'sha256=', algorithm: 'sha256', secret }, request.content);
  if (!isSigned) throw new RequestRefused(401, 'the signature is missing or does not match webhookSecret');
}

function payloadText(request: HookRequest): string {
  const text = readHookText(request);
  return isForm(request) ? (new URLSearchParams(text).get('payload') ?? '') : text;
}
