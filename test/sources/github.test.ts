import { createHmac } from 'node:crypto';
import type { EventOptions } from '../../src/manifest/event-source';
import { githubSource } from '../../src/sources/github';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { hookContract, listenForHooks, type HookListener, type SentHook } from './hook-fixture';

const SECRETS = { 'github/secret': 'letmein' };
const webhookSecret = { name: 'github', key: 'secret' };

function push(body: string, id = 'd-1', headers: Record<string, string> = {}): SentHook {
  const signature = createHmac('sha256', 'letmein').update(body).digest('hex');
  return {
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': id,
      'x-hub-signature-256': `sha256=${signature}`,
      ...headers,
    },
    body,
  };
}

describeSourceContract(
  hookContract<EventOptions<'github'>>({
    factory: githubSource,
    spec: { webhookSecret },
    secrets: SECRETS,
    send: (text, id) => push(JSON.stringify({ text }), id),
    textOf: (data) => (data as { body: { text: string } }).body.text,
  }),
);

describe('event source github', () => {
  const open: HookListener[] = [];
  afterEach(() => Promise.all(open.splice(0).map((listener) => listener.stop())));

  async function listen(spec: EventOptions<'github'> = { webhookSecret }): Promise<HookListener> {
    const listener = await listenForHooks(githubSource, spec, SECRETS);
    open.push(listener);
    return listener;
  }

  it('gives a delivery the payload of Argo Events, and its own id', async () => {
    const { post, received } = await listen({ webhookSecret, metadata: { team: 'eo' } });
    expect(await post(push('{"ref":"refs/heads/main"}'))).toEqual({ status: 200, text: 'success' });
    const [event] = received[0]?.events ?? [];
    expect(event?.transportId).toBe('d-1');
    expect(event?.data).toMatchObject({
      headers: {
        'X-Github-Event': ['push'],
        'X-Github-Delivery': ['d-1'],
        'X-Hub-Signature-256': ['*** Masked Auth Secret ***'],
      },
      body: { 'X-GitHub-Delivery': 'd-1', 'X-GitHub-Event': 'push', ref: 'refs/heads/main' },
      metadata: { team: 'eo' },
    });
  });

  it('reads hooks of the content type form', async () => {
    const { post, received } = await listen();
    const body = new URLSearchParams({ payload: '{"ref":"refs/heads/main"}' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await post(push(body, 'd-2', headers))).status).toBe(200);
    expect(received[0]?.events[0]?.data).toMatchObject({ body: { ref: 'refs/heads/main' } });
  });

  it('accepts the older signature if there is no other', async () => {
    const { post } = await listen();
    const sha1 = createHmac('sha1', 'letmein').update('{}').digest('hex');
    const { 'x-hub-signature-256': _, ...headers } = push('{}').headers;
    expect((await post({ headers: { ...headers, 'x-hub-signature': `sha1=${sha1}` } })).status).toBe(200);
    expect((await post({ headers: { ...headers, 'x-hub-signature': 'sha1=' } })).status).toBe(401);
  });

  it.each<[string, Partial<SentHook>, number]>([
    ['without a signature', { headers: {} }, 401],
    ['with the signature of another body', { ...push('{"a":1}'), body: '{"a":2}' }, 401],
    ['with an empty signature', push('{}', 'd-1', { 'x-hub-signature-256': '' }), 401],
    ['whose body is no object', push('[]'), 400],
    ['whose body is not JSON', push('{'), 400],
  ])('rejects a request %s', async (_what, hook, status) => {
    const { post, received } = await listen();
    expect((await post(hook)).status).toBe(status);
    expect(received.flatMap(({ events }) => events)).toEqual([]);
  });

  it('accepts unsigned requests without webhookSecret', async () => {
    const { post } = await listen({});
    expect((await post({ body: '{}' })).status).toBe(200);
  });

  it('leaves out events that the manifest does not list, with the reason', async () => {
    const { post, received } = await listen({ webhookSecret, events: ['release'] });
    await post(push('{}', 'd-1'));
    await post(push('{}', 'd-2', { 'x-github-event': 'release' }));
    expect(received.map(({ events }) => events[0]?.leftOut)).toEqual([
      'X-GitHub-Event is "push", which events does not list',
      undefined,
    ]);
  });

  it('ends with an error for the operator without webhook', () => {
    expect(() => createSource(githubSource, { spec: {} })).toThrow(
      'event source argo/outside, event news: webhook is missing',
    );
  });
});
