/** Event source `github`: webhooks of GitHub. The id of a delivery is the id of its event. */
import { membersOf, sortedObject } from '../event/json-text';
import { hookData, hookEvent, isListed } from './hook-events';
import { isSignedBy } from './hook-signatures';
import { hookSource, readHookSecret } from './hook-source';
import type { SourceOf } from './source';
import { RequestRefused, isForm, readHookObject, readHookText, type HookRequest } from './webhook-request';
import { watchedSecrets } from './webhook-secrets';

/** Of GitHub's own; callers may send any. */
const LONGEST_NAME = 100;

export const githubSource: SourceOf<'github'> = hookSource('github', (spec, context) => {
  const secrets = watchedSecrets({ webhookSecret: spec.webhookSecret }, context);
  return {
    secrets,
    async read(request) {
      for (const secret of secrets) requireSignature(request, await readHookSecret(secret));
      const [event = '', delivery = ''] = [request.header('X-Github-Event'), request.header('X-Github-Delivery')];
      const payload = membersOf(readHookObject(payloadText(request)));
      const body = sortedObject({ ...payload, 'X-GitHub-Event': event, 'X-GitHub-Delivery': delivery });
      const leftOut = isListed(event, spec.events)
        ? undefined
        : `X-GitHub-Event is "${event.slice(0, LONGEST_NAME)}", which events does not list`;
      return {
        events: [{ ...hookEvent(hookData(request, body, spec.metadata), delivery), ...(leftOut && { leftOut }) }],
      };
    },
  };
});

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
