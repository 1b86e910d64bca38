/**
 * Trigger `slack`: posts one message with chat.postMessage.
 *
 * Slack cannot recognise a duplicate: if its response is lost, the message may be posted a second time.
 */
import type { Agent } from 'node:http';
import { SluiceError } from '../errors/sluice-error';
import type { JsonObject, JsonValue } from '../event/json';
import type { SlackTriggerTemplate } from '../manifest/triggers/messages';
import { parseRetryAfterMs } from '../text/retry-after';
import { ConnectionCache } from '../clients/connection-cache';
import { describeSelector } from './headers';
import { createAgent, exchangeHttp, type HttpAnswer } from '../clients/http/http-exchange';
import { isTransientStatus } from '../clients/http/http-status';
import { createSlackRefusal } from './slack-failure';
import { SlackThreads } from './slack-threads';
import type { Trigger, TriggerDependencies, TriggerOf } from './trigger';

export type SlackTemplate = Omit<SlackTriggerTemplate, 'parameters'>;

export const slackTrigger: TriggerOf<'slack', 'parameters'> = { kind: 'slack', create: createSlackTrigger };

const SLACK_API_URL = 'https://slack.com/api/';
const TIMEOUT_MS = 30_000;

function createSlackTrigger({ secrets }: TriggerDependencies): Trigger<SlackTemplate> {
  const url = new URL('chat.postMessage', process.env.SLUICE_SLACK_API_URL || SLACK_API_URL);
  const threads = new SlackThreads();
  const agents = new ConnectionCache<{ protocol: string }, Agent>({
    open: ({ protocol }) => Promise.resolve(createAgent(protocol, undefined)),
    close: (agent) => Promise.resolve(agent.destroy()),
  });

  return {
    async fire({ template, namespace, signal }) {
      const message = composeMessage(template, threads);
      const token = await secrets.secret(namespace, template.slackToken);
      const headers = { 'Content-Type': 'application/json; charset=utf-8', Authorization: `Bearer ${token}` };
      const body = JSON.stringify(message);
      const answer = await agents.use({ protocol: url.protocol }, (agent) =>
        exchangeHttp({ url, method: 'POST', headers, body, timeoutMs: TIMEOUT_MS, agent, signal }),
      );
      const timestamp = requirePosted(answer, message.channel);
      const key = template.thread?.messageAggregationKey;
      if (key && message.thread_ts === undefined) threads.remember(message.channel, key, timestamp);
      return { kind: 'response', summary: `posted to Slack channel ${message.channel} as ${timestamp}`, status: 200 };
    },
    preview: ({ template }) => ({
      method: 'POST',
      url: url.href,
      headers: { Authorization: `Bearer ${describeSelector('secret', template.slackToken)}` },
      body: composeMessage(template, threads),
    }),
    close: () => agents.close(),
  };
}

interface SlackMessage extends JsonObject {
  channel: string;
}

function composeMessage(template: SlackTemplate, threads: SlackThreads): SlackMessage {
  const { message: text, attachments, blocks, sender, thread } = template;
  const channel = (template.channel ?? '').replace(/^#/, '');
  if (channel === '') throw incomplete('slack.channel is empty', 'Set slack.channel, or the parameter that fills it');
  if (!text && !attachments && !blocks) {
    throw incomplete(
      'the Slack message is empty',
      'Set at least one of slack.message, slack.attachments, slack.blocks',
    );
  }
  const message: SlackMessage = { channel };
  if (text) message.text = text;
  if (attachments) message.attachments = parseList('attachments', attachments);
  if (blocks) message.blocks = parseList('blocks', blocks);
  if (sender?.username) message.username = sender.username;
  if (sender?.icon) message[/^:.+:$/.test(sender.icon) ? 'icon_emoji' : 'icon_url'] = sender.icon;
  const timestamp = thread?.messageAggregationKey && threads.threadOf(channel, thread.messageAggregationKey);
  if (timestamp) {
    message.thread_ts = timestamp;
    if (thread?.broadcastMessageToChannel) message.reply_broadcast = true;
  }
  return message;
}

function parseList(field: 'attachments' | 'blocks', text: string): JsonValue[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Reported below: the parser's own message would quote the event.
  }
  if (isList(parsed)) return parsed;
  throw incomplete(`slack.${field} is not a JSON list`, `Correct slack.${field}, or the parameter that fills it`);
}

function isList(value: unknown): value is JsonValue[] {
  return Array.isArray(value);
}

function incomplete(message: string, fix: string): SluiceError {
  return new SluiceError('TRIGGER_REFUSED', { message, fix });
}

/** Returns the timestamp that identifies the message in Slack. Throws TRIGGER_REFUSED. */
function requirePosted({ status, headers, text }: HttpAnswer, channel: string): string {
  const retryAfterMs = parseRetryAfterMs(headers['retry-after']);
  const answer = parseAnswer(text);
  if (answer.ok === true && status === 200) return typeof answer.ts === 'string' ? answer.ts : 'unknown';
  if (status === 200 && typeof answer.error === 'string') throw createSlackRefusal(channel, answer.error, retryAfterMs);
  throw new SluiceError('TRIGGER_REFUSED', {
    message: `Slack answered ${status} to the message to ${channel}`,
    retryable: status === 200 || isTransientStatus(status),
    retryAfterMs,
    context: { status },
  });
}

function parseAnswer(text: string): { ok?: unknown; ts?: unknown; error?: unknown } {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    // The response of a proxy between Sluice and Slack; the status is enough.
    return {};
  }
}
