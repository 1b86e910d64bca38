import { createHmac } from 'node:crypto';
import type { EventOptions } from '../../src/manifest/event-source';
import { slackSource } from '../../src/sources/slack';
import { describeSourceContract } from '../contract-suites/source-contract';
import { hookContract, listenForHooks, type HookListener, type SentHook } from './hook-fixture';

const SECRETS = { 'slack/signing': 'letmein', 'slack/token': 'verification' };
const signingSecret = { name: 'slack', key: 'signing' };
const token = { name: 'slack', key: 'token' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

function signed(
  body: string,
  headers: Record<string, string> = {},
  seconds = Math.floor(Date.now() / 1_000),
): SentHook {
  const signature = createHmac('sha256', 'letmein').update(`v0:${seconds}:${body}`).digest('hex');
  return {
    headers: { 'x-slack-request-timestamp': String(seconds), 'x-slack-signature': `v0=${signature}`, ...headers },
    body,
  };
}

function callback(event: object, id: string): string {
  return JSON.stringify({ token: 'verification', type: 'event_callback', event_id: id, event });
}

describeSourceContract(
  hookContract<EventOptions<'slack'>>({
    factory: slackSource,
    spec: { signingSecret, token },
    secrets: SECRETS,
    send: (text, id) => signed(callback({ type: 'message', text }, id)),
    textOf: (data) => (data as { Data: { text: string } }).Data.text,
  }),
);

describe('event source slack', () => {
  const open: HookListener[] = [];
  afterEach(() => Promise.all(open.splice(0).map((listener) => listener.stop())));

  async function listen(spec: EventOptions<'slack'> = { signingSecret, token }): Promise<HookListener> {
    const listener = await listenForHooks(slackSource, spec, SECRETS);
    open.push(listener);
    return listener;
  }

  it('gives an event of the Events API the payload of Argo Events, and its own id', async () => {
    const { post, received } = await listen();
    const event = { type: 'app_mention', user: 'U1', text: 'hello' };
    expect((await post(signed(callback(event, 'Ev1')))).status).toBe(200);
    expect(received[0]?.events[0]).toMatchObject({ transportId: 'Ev1', data: { type: 'app_mention', Data: event } });
  });

  it('answers the verification of its address', async () => {
    const { post, received } = await listen();
    const body = JSON.stringify({ token: 'verification', type: 'url_verification', challenge: 'c-1' });
    expect(await post(signed(body))).toEqual({ status: 200, text: 'c-1' });
    expect(received).toEqual([]);
  });

  it('reads interactions and slash commands, without the token of the app', async () => {
    const { post, received } = await listen();
    const interaction = { type: 'block_actions', token: 'verification', trigger_id: 't-1' };
    await post(signed(new URLSearchParams({ payload: JSON.stringify(interaction) }).toString(), FORM));
    const command = { token: 'verification', command: '/deploy', text: 'all of it', trigger_id: 't-2' };
    await post(signed(new URLSearchParams(command).toString(), FORM));
    expect(received.map(({ events }) => events[0])).toMatchObject([
      { transportId: 't-1', data: { ...interaction, token: '*** Masked Auth Secret ***' } },
      { transportId: 't-2', data: { ...command, token: '*** Masked Auth Secret ***' } },
    ]);
  });

  it.each([
    ['a slash command', { command: '/deploy' }],
    ['a slash command of another app', { command: '/deploy', token: 'other' }],
    ['an interaction', { payload: '{"type":"block_actions"}' }],
    ['an interaction with the token beside it', { payload: '{"type":"block_actions"}', token: 'verification' }],
  ])('rejects %s without the token, if only the token proves who sends', async (_what, fields) => {
    const { post, received } = await listen({ token });
    expect((await post({ headers: FORM, body: new URLSearchParams(fields).toString() })).status).toBe(401);
    expect(received).toEqual([]);
  });

  it.each<[string, () => Partial<SentHook>, number]>([
    ['without a signature', () => ({ headers: {} }), 401],
    ['with the signature of another body', () => ({ ...signed('{"a":1}'), body: '{"a":2}' }), 401],
    ['that is replayed', () => signed('{}', {}, Math.floor(Date.now() / 1_000) - 301), 401],
    ['with a timestamp that is no number', () => signed('{}', { 'x-slack-request-timestamp': 'now' }), 401],
    ['with the token of another app', () => signed('{"token":"other","type":"event_callback"}'), 401],
    ['that is a form of another kind', () => signed('a=b', FORM), 400],
    ['whose event has no type', () => signed(callback({}, 'Ev1')), 400],
  ])('rejects a request %s', async (_what, request, status) => {
    const { post, received } = await listen();
    expect((await post(request())).status).toBe(status);
    expect(received.flatMap(({ events }) => events)).toEqual([]);
  });
});
