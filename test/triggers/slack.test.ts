import http, { type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError } from '../../src/errors/sluice-error';
import { slackTrigger, type SlackTemplate } from '../../src/triggers/slack';
import type { Trigger } from '../../src/triggers/trigger';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { createTriggerWorld, failureOf, fireRequest } from './trigger-world';

interface ReceivedMessage {
  readonly path?: string;
  readonly headers: IncomingHttpHeaders;
  readonly message: unknown;
}

describeTriggerContract<SlackTemplate>({
  factory: slackTrigger,
  hasKey: false,
  asksToWait: true,
  hasShortLimit: false,
  async start() {
    let count = 0;
    let answer = { status: 200, headers: {}, body: '{"ok":true,"channel":"C1","ts":"1700000000.000100"}' };
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => {
        count += 1;
        response.writeHead(answer.status, answer.headers).end(answer.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      port: (server.address() as AddressInfo).port,
      secrets: { 'slack/token': 'xoxb-s3cret' },
      leadTo(port) {
        process.env.SLUICE_SLACK_API_URL = `http://127.0.0.1:${port}/api/`;
        return { slackToken: { name: 'slack', key: 'token' }, channel: 'scenes', message: 'a new scene' };
      },
      keys: () => Array.from({ length: count }, () => undefined),
      refuse: () => void (answer = { ...answer, body: '{"ok":false,"error":"invalid_auth"}' }),
      throttle: (seconds) => void (answer = { status: 429, headers: { 'retry-after': String(seconds) }, body: '' }),
      async stop() {
        delete process.env.SLUICE_SLACK_API_URL;
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
});

/** Answers as Slack's API documents it; not Slack, but the requests to it are the real ones. */
describe('the slack trigger', () => {
  let server: http.Server;
  let connections: number;
  let received: ReceivedMessage[];
  let answer: { status?: number; headers?: Record<string, string>; body: unknown };
  let trigger: Trigger<SlackTemplate>;

  const slackToken = { name: 'slack', key: 'token' };
  const post = (template: Omit<SlackTemplate, 'slackToken'>) => trigger.fire(fireRequest({ slackToken, ...template }));

  beforeEach(async () => {
    connections = 0;
    received = [];
    answer = { body: { ok: true, channel: 'C1', ts: '1700000000.000100' } };
    server = http.createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        received.push({ path: request.url, headers: request.headers, message: JSON.parse(text) });
        const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
        response.writeHead(answer.status ?? 200, answer.headers).end(body);
      });
    });
    server.on('connection', () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    process.env.SLUICE_SLACK_API_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`;
    trigger = slackTrigger.create(createTriggerWorld({ 'slack/token': 'xoxb-s3cret' }));
  });
  afterEach(async () => {
    delete process.env.SLUICE_SLACK_API_URL;
    await trigger.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('posts a message to a channel, with the token as bearer', async () => {
    const result = await post({ channel: '#scenes', message: 'a new scene' });
    expect(received).toEqual([
      expect.objectContaining({ path: '/api/chat.postMessage', message: { channel: 'scenes', text: 'a new scene' } }),
    ]);
    expect(received[0]?.headers).toMatchObject({ authorization: 'Bearer xoxb-s3cret' });
    expect(result).toMatchObject({ kind: 'response', summary: expect.stringContaining('scenes') as string });
  });

  it('posts attachments, blocks and sender', async () => {
    const blocks = [{ type: 'divider' }];
    const attachments = [{ text: 'more' }];
    await post({
      channel: 'scenes',
      blocks: JSON.stringify(blocks),
      attachments: JSON.stringify(attachments),
      sender: { username: 'sluice', icon: ':ocean:' },
    });
    await post({ channel: 'scenes', message: 'x', sender: { icon: 'https://example.com/icon.png' } });
    expect(received.map(({ message }) => message)).toEqual([
      { channel: 'scenes', blocks, attachments, username: 'sluice', icon_emoji: ':ocean:' },
      { channel: 'scenes', text: 'x', icon_url: 'https://example.com/icon.png' },
    ]);
  });

  it('posts messages with the same key in one thread', async () => {
    const inThread = (messageAggregationKey: string, broadcastMessageToChannel = false) =>
      post({ channel: 'scenes', message: 'x', thread: { messageAggregationKey, broadcastMessageToChannel } });
    await inThread('tile-1');
    await inThread('tile-1');
    await inThread('tile-1', true);
    await inThread('tile-2');
    expect(received.map(({ message }) => message)).toEqual([
      { channel: 'scenes', text: 'x' },
      { channel: 'scenes', text: 'x', thread_ts: '1700000000.000100' },
      { channel: 'scenes', text: 'x', thread_ts: '1700000000.000100', reply_broadcast: true },
      { channel: 'scenes', text: 'x' },
    ]);
  });

  it('keeps its connection', async () => {
    await post({ channel: 'scenes', message: 'one' });
    await post({ channel: 'scenes', message: 'two' });
    expect(connections).toBe(1);
  });

  it.each([
    ['invalid_auth', false],
    ['channel_not_found', false],
    ['not_in_channel', false],
    ['some_new_error', false],
    ['internal_error', true],
    ['ratelimited', true],
  ])('classifies %s as transient or permanent', async (error, retryable) => {
    answer = { body: { ok: false, error } };
    const failure = await failureOf(post({ channel: 'scenes', message: 'x' }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable, context: { slackError: error } });
    expect(describeError(failure)).not.toContain('s3cret');
  });

  it('does not quote an error code that is not from Slack', async () => {
    answer = { body: { ok: false, error: 'not_authed: Bearer xoxb-s3cret' } };
    const failure = await failureOf(post({ channel: 'scenes', message: 'x' }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    expect(JSON.stringify(failure) + describeError(failure)).not.toContain('s3cret');
  });

  it('waits for the delay that Slack requests after too many posts', async () => {
    answer = { status: 429, headers: { 'retry-after': '30' }, body: { ok: false, error: 'ratelimited' } };
    const failure = await failureOf(post({ channel: 'scenes', message: 'x' }));
    expect(failure).toMatchObject({ retryable: true, retryAfterMs: 30_000 });
  });

  it('fails transiently if a proxy answers', async () => {
    answer = { status: 502, body: '<html>bad gateway</html>' };
    const failure = await failureOf(post({ channel: 'scenes', message: 'x' }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: true });
  });

  it.each<[string, Omit<SlackTemplate, 'slackToken'>]>([
    ['no channel', { channel: '#', message: 'x' }],
    ['message is empty', { channel: 'scenes' }],
    ['blocks that are not JSON', { channel: 'scenes', blocks: '[{' }],
    ['attachments that are not a list', { channel: 'scenes', attachments: '{}' }],
  ])('rejects %s before calling Slack', async (_case, template) => {
    expect(await failureOf(post(template))).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    expect(received).toHaveLength(0);
  });

  it('previews the message without posting it', () => {
    expect(trigger.preview?.(fireRequest({ slackToken, channel: '#scenes', message: 'x' }))).toMatchObject({
      headers: { Authorization: 'Bearer <secret slack/token>' },
      body: { channel: 'scenes', text: 'x' },
    });
    expect(received).toHaveLength(0);
  });
});
