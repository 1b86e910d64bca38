/**
 * Event source `slack`: the Events API, interactions and slash commands of a Slack app. A retry of the Events API has
 * the same `event_id`, and so the same event id.
 */
import type { JsonObject } from '../event/json';
import { joinObject, membersOf, valueOf, type JsonDocument, type ObjectDocument } from '../event/json-text';
import type { EventOptions } from '../manifest/event-source';
import { hookEvent, textMember } from './hook-events';
import { isSameText, isSignedBy } from './hook-signatures';
import { hookSource, readHookSecret, type HookProtocol, type HookReading } from './hook-source';
import type { SourceContext, SourceOf } from './source';
import { MASK } from './webhook-masking';
import { RequestRefused, isForm, readHookObject, readHookText, type HookRequest } from './webhook-request';
import { WatchedSecret } from './webhook-secrets';

export const slackSource: SourceOf<'slack'> = hookSource('slack', (spec, context) => new SlackProtocol(spec, context));

/** Slack's own advice against replayed requests. */
const MAX_AGE_SECONDS = 300;

class SlackProtocol implements HookProtocol {
  readonly secrets: readonly WatchedSecret[];
  private readonly signingSecret: WatchedSecret | undefined;
  private readonly token: WatchedSecret | undefined;

  constructor({ signingSecret, token }: EventOptions<'slack'>, context: SourceContext) {
    this.signingSecret = signingSecret && new WatchedSecret('signingSecret', signingSecret, context);
    this.token = token && new WatchedSecret('token', token, context);
    this.secrets = [this.signingSecret, this.token].filter((secret) => secret !== undefined);
  }

  async read(request: HookRequest): Promise<HookReading> {
    if (this.signingSecret) requireSignature(request, await readHookSecret(this.signingSecret));
    const text = readHookText(request);
    return isForm(request)
      ? await this.readForm(new URLSearchParams(text))
      : await this.readEvent(readHookObject(text));
  }

  private async readEvent(body: ObjectDocument): Promise<HookReading> {
    const outer = valueOf(body);
    await this.requireToken(outer);
    switch (textMember(outer, 'type')) {
      case 'url_verification':
        return { events: [], answer: textMember(outer, 'challenge') ?? '' };
      case 'event_callback': {
        const { event = null } = membersOf(body);
        const type = textMember(valueOf(event), 'type');
        if (type === undefined) throw new RequestRefused(400, 'the body has no event with a type', true);
        return { events: [hookEvent(joinObject({ type, Data: event }), textMember(outer, 'event_id'))] };
      }
      default:
        return { events: [] };
    }
  }

  /** Interactions carry JSON in `payload`; slash commands are plain fields. */
  private async readForm(form: URLSearchParams): Promise<HookReading> {
    const payload = form.get('payload');
    if (!payload && !form.get('command')) {
      throw new RequestRefused(400, 'the form has neither payload nor command', true);
    }
    const fields: JsonObject = Object.fromEntries(form);
    const document = payload ? readHookObject(payload) : fields;
    const outer = valueOf(document);
    await this.requireToken(outer);
    return { events: [hookEvent(withoutToken(document), textMember(outer, 'trigger_id'))] };
  }

  /** Slack sends it in everything; without `signingSecret` nothing else proves who sends. */
  private async requireToken(outer: unknown): Promise<void> {
    if (this.token === undefined) return;
    if (isSameText(textMember(outer, 'token') ?? '', await readHookSecret(this.token))) return;
    throw new RequestRefused(401, 'the token of the body does not match the Secret of token');
  }
}

function requireSignature(request: HookRequest, secret: string): void {
  const timestamp = request.header('X-Slack-Request-Timestamp') ?? '';
  const given = request.header('X-Slack-Signature') ?? '';
  const ageSeconds = Math.abs(Date.now() / 1_000 - Number(timestamp));
  // Also for a timestamp that is no number.
  if (!(ageSeconds <= MAX_AGE_SECONDS)) {
    throw new RequestRefused(401, 'X-Slack-Request-Timestamp is missing, or more than five minutes away');
  }
  if (isSignedBy(given, { prefix: 'v0=', algorithm: 'sha256', secret }, `v0:${timestamp}:`, request.content)) return;
  throw new RequestRefused(401, 'the signature is missing or does not match signingSecret');
}

/** The verification token is a secret of the app. */
function withoutToken(document: ObjectDocument): ObjectDocument {
  const members: Record<string, JsonDocument> = membersOf(document);
  return joinObject({ ...members, ...('token' in members && { token: MASK }) });
}
