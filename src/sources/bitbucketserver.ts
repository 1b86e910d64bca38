/** Event source `bitbucketserver`: webhooks of Bitbucket Server and Data Center. */
import {
  elementsOf,
  isJsonText,
  joinList,
  joinObject,
  membersOf,
  type JsonDocument,
  type ObjectDocument,
} from '../event/json-text';
import type { EventOptions } from '../manifest/event-source';
import { hookData } from './hook-events';
import { isSignedBy } from './hook-signatures';
import { HookSource, readHookSecret, type HookProtocol, type HookReading } from './hook-source';
import type { SourceContext, SourceOf } from './source';
import { RequestRefused, readHookObject, readHookText, type HookRequest } from './webhook-request';
import { WatchedSecret } from './webhook-secrets';

export const bitbucketserverSource: SourceOf<'bitbucketserver'> = {
  kind: 'bitbucketserver',
  cloudEventType: 'bitbucketserver',
  guarantee: 'at least once',
  create: (spec, context) => new HookSource(spec.webhook, context, new BitbucketserverProtocol(spec, context)),
};

const REFS_CHANGED = 'repo:refs_changed';

class BitbucketserverProtocol implements HookProtocol {
  readonly methods = ['POST'];
  readonly secrets: readonly WatchedSecret[];

  constructor(
    private readonly spec: EventOptions<'bitbucketserver'>,
    context: SourceContext,
  ) {
    const { webhookSecret } = spec;
    this.secrets = webhookSecret ? [new WatchedSecret('webhookSecret', webhookSecret, context)] : [];
  }

  async read(request: HookRequest): Promise<HookReading> {
    const signature = request.header('X-Hub-Signature') ?? '';
    for (const watched of this.secrets) {
      const secret = await readHookSecret(watched);
      if (isSignedBy(signature, { prefix: 'sha256=', algorithm: 'sha256', secret }, request.content)) continue;
      throw new RequestRefused(401, 'the signature is missing or does not match webhookSecret');
    }
    const id = request.header('X-Request-Id');
    const bodies = this.split(readHookObject(readHookText(request)), request.header('X-Event-Key'));
    return {
      events: bodies.map((body, index) => ({
        ...(id && { transportId: bodies.length === 1 ? id : `${id}:${index}` }),
        data: hookData(request, body, this.spec.metadata),
        time: new Date().toISOString(),
      })),
    };
  }

  /** Returns one body for each change, if the manifest asks for that. */
  private split(body: ObjectDocument, eventKey: string | undefined): readonly ObjectDocument[] {
    if (!this.spec.oneEventPerChange || eventKey !== REFS_CHANGED) return [body];
    const members = membersOf(body);
    const { changes } = members;
    return changes === undefined
      ? []
      : listOf(changes).map((change) => joinObject({ ...members, changes: joinList([change]) }));
  }
}

function listOf(document: JsonDocument): readonly JsonDocument[] {
  if (isJsonText(document)) return elementsOf(document);
  return Array.isArray(document) ? document : [];
}
