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
import { hookData, hookEvent } from './hook-events';
import { isSignedBy } from './hook-signatures';
import { hookSource, readHookSecret } from './hook-source';
import type { SourceOf } from './source';
import { RequestRefused, readHookObject, readHookText } from './webhook-request';
import { watchedSecrets } from './webhook-secrets';

const REFS_CHANGED = 'repo:refs_changed';

export const bitbucketserverSource: SourceOf<'bitbucketserver'> = hookSource('bitbucketserver', (spec, context) => {
  const secrets = watchedSecrets({ webhookSecret: spec.webhookSecret }, context);
  return {
    secrets,
    async read(request) {
      const signature = request.header('X-Hub-Signature') ?? '';
      for (const watched of secrets) {
        const secret = await readHookSecret(watched);
        if (isSignedBy(signature, { prefix: 'sha256=', algorithm: 'sha256', secret }, request.content)) continue;
        throw new RequestRefused(401, 'the signature is missing or does not match webhookSecret');
      }
      const id = request.header('X-Request-Id');
      const body = readHookObject(readHookText(request));
      const isSplit = spec.oneEventPerChange === true && request.header('X-Event-Key') === REFS_CHANGED;
      const bodies = isSplit ? splitByChange(body) : [body];
      return {
        events: bodies.map((each, index) =>
          hookEvent(hookData(request, each, spec.metadata), id && bodies.length > 1 ? `${id}:${index}` : id),
        ),
      };
    },
  };
});

/** Returns one body for each change. */
function splitByChange(body: ObjectDocument): readonly ObjectDocument[] {
  const members = membersOf(body);
  const { changes } = members;
  if (changes === undefined) return [];
  return listOf(changes).map((change) => joinObject({ ...members, changes: joinList([change]) }));
}

function listOf(document: JsonDocument): readonly JsonDocument[] {
  if (isJsonText(document)) return elementsOf(document);
  return Array.isArray(document) ? document : [];
}
