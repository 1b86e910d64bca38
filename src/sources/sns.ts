/**
 * Event source `sns`: notifications of an Amazon SNS topic by HTTP. A retry has the same `MessageId`, and so the same
 * event id.
 */
import { describeError } from '../errors/sluice-error';
import { valueOf } from '../event/json-text';
import type { EventOptions } from '../manifest/event-source';
import { hookData, hookEvent, textMember } from './hook-events';
import { hookSource, type HookProtocol, type HookReading } from './hook-source';
import { SnsSignatures, fetchFromAmazon, isAmazonUrl, readMessageType, type FetchText } from './sns-messages';
import type { SnsMessageType } from './sns-messages';
import type { SourceContext, SourceOf } from './source';
import { describeSource } from './source-failure';
import { RequestRefused, readHookObject, readHookText, type HookRequest } from './webhook-request';

export const snsSource: SourceOf<'sns'> = snsWith(fetchFromAmazon);

export function snsWith(fetchText: FetchText): SourceOf<'sns'> {
  return hookSource('sns', (spec, context) => new SnsProtocol(spec, context, fetchText));
}

const TOKEN = /^[\w.-]{1,2000}$/;

class SnsProtocol implements HookProtocol {
  private readonly signatures: SnsSignatures;

  constructor(
    private readonly spec: EventOptions<'sns'>,
    private readonly context: SourceContext,
    private readonly fetchText: FetchText,
  ) {
    this.signatures = new SnsSignatures(fetchText);
  }

  async read(request: HookRequest): Promise<HookReading> {
    const body = readHookObject(readHookText(request));
    const message = valueOf(body);
    const type = readMessageType(message);
    if (type === undefined) throw new RequestRefused(400, 'the body is no message of Amazon SNS', true);
    // Anyone can make SNS sign messages of a topic of their own.
    if (textMember(message, 'TopicArn') !== this.spec.topicArn) {
      throw new RequestRefused(403, 'TopicArn is not the topicArn of the event source');
    }
    // A subscription is confirmed only for Amazon: the manifest's `endpoint` may be an emulator that signs nothing.
    const mustBeSigned = this.spec.validateSignature || (type !== 'Notification' && !this.spec.endpoint);
    if (mustBeSigned) await this.requireSignature(message, type);
    switch (type) {
      case 'Notification': {
        const data = hookData(request, body, this.spec.metadata, 'header');
        return { events: [hookEvent(data, textMember(message, 'MessageId'))] };
      }
      case 'SubscriptionConfirmation':
        await this.confirm(textMember(message, 'SubscribeURL'));
        return { events: [] };
      case 'UnsubscribeConfirmation':
        this.context.log(
          'warn',
          `${describeSource(this.context)}: the subscription of ${this.spec.topicArn} was ended`,
        );
        return { events: [] };
    }
  }

  private async requireSignature(message: unknown, type: SnsMessageType): Promise<void> {
    let problem: string | undefined;
    try {
      problem = await this.signatures.problemOf(message, type);
    } catch (error) {
      this.context.log(
        'warn',
        `${describeSource(this.context)}: the certificate of Amazon SNS cannot be read: ${describeError(error)}`,
      );
      throw new RequestRefused(503, 'the certificate of the signature cannot be read, please try again');
    }
    if (problem !== undefined) throw new RequestRefused(401, problem);
  }

  private async confirm(url: string | undefined): Promise<void> {
    const { endpoint, topicArn } = this.spec;
    const address = url === undefined ? undefined : confirmationOf(url, topicArn, endpoint);
    if (address === undefined) {
      throw new RequestRefused(400, 'SubscribeURL does not confirm the subscription of topicArn', true);
    }
    try {
      await this.fetchText(address);
    } catch (error) {
      this.context.log(
        'warn',
        `${describeSource(this.context)}: the subscription of ${topicArn} cannot be confirmed: ${describeError(error)}`,
      );
      throw new RequestRefused(503, 'the subscription cannot be confirmed, please try again');
    }
    this.context.log('info', `${describeSource(this.context)}: confirmed the subscription of ${topicArn}`);
  }
}

/**
 * The address that confirms a subscription of this topic, at Amazon or at the endpoint of the manifest. It is built here:
 * of what a sender wrote, only the token is used.
 */
function confirmationOf(text: string, topicArn: string, endpoint: string | undefined): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isOfEndpoint = endpoint !== undefined && URL.canParse(endpoint) && url.origin === new URL(endpoint).origin;
  if (!isOfEndpoint && !isAmazonUrl(text)) return undefined;
  const token = url.searchParams.get('Token') ?? '';
  const isConfirmation = url.searchParams.get('Action') === 'ConfirmSubscription';
  if (!isConfirmation || url.searchParams.get('TopicArn') !== topicArn || !TOKEN.test(token)) return undefined;
  const address = new URL(isOfEndpoint ? new URL(endpoint).pathname : '/', url.origin);
  address.search = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: topicArn, Token: token }).toString();
  return address.href;
}
