import { createHmac } from 'node:crypto';
import type { EventOptions } from '../../src/manifest/event-source';
import { bitbucketserverSource } from '../../src/sources/bitbucketserver';
import { describeSourceContract } from '../contract-suites/source-contract';
import { hookContract, listenForHooks, type HookListener, type SentHook } from './hook-fixture';

const SECRETS = { 'bitbucket/secret': 'letmein' };
const webhookSecret = { name: 'bitbucket', key: 'secret' };

function hook(body: string, id = 'r-1', headers: Record<string, string> = {}): SentHook {
  const signature = createHmac('sha256', 'letmein').update(body).digest('hex');
  return { headers: { 'x-request-id': id, 'x-hub-signature': `sha256=${signature}`, ...headers }, body };
}

describeSourceContract(
  hookContract<EventOptions<'bitbucketserver'>>({
    factory: bitbucketserverSource,
    spec: { webhookSecret },
    secrets: SECRETS,
    send: (text, id) => hook(JSON.stringify({ text }), id),
    textOf: (data) => (data as { body: { text: string } }).body.text,
  }),
);

describe('event source bitbucketserver', () => {
  const open: HookListener[] = [];
  afterEach(() => Promise.all(open.splice(0).map((listener) => listener.stop())));

  async function listen(spec: EventOptions<'bitbucketserver'>): Promise<HookListener> {
    const listener = await listenForHooks(bitbucketserverSource, spec, SECRETS);
    open.push(listener);
    return listener;
  }
  const CHANGES = '{"eventKey":"repo:refs_changed","changes":[{"refId":"a"},{"refId":"b"}]}';

  it('gives a request the payload of Argo Events, and its own id', async () => {
    const { post, received } = await listen({ webhookSecret, metadata: { team: 'eo' } });
    await post(hook(CHANGES, 'r-1', { 'x-event-key': 'repo:refs_changed' }));
    const [event] = received[0]?.events ?? [];
    expect(event?.transportId).toBe('r-1');
    expect(event?.data).toMatchObject({
      headers: { 'X-Event-Key': ['repo:refs_changed'] },
      body: JSON.parse(CHANGES) as unknown,
      metadata: { team: 'eo' },
    });
  });

  it('makes one event of each change if the manifest asks for that', async () => {
    const { post, received } = await listen({ webhookSecret, oneEventPerChange: true });
    await post(hook(CHANGES, 'r-1', { 'x-event-key': 'repo:refs_changed' }));
    const events = received[0]?.events ?? [];
    expect(events.map(({ transportId }) => transportId)).toEqual(['r-1:0', 'r-1:1']);
    expect(events.map(({ data }) => (data as { body: unknown }).body)).toEqual([
      { eventKey: 'repo:refs_changed', changes: [{ refId: 'a' }] },
      { eventKey: 'repo:refs_changed', changes: [{ refId: 'b' }] },
    ]);
  });

  it.each<[string, Partial<SentHook>]>([
    ['without a signature', { headers: {} }],
    ['with the signature of another body', { ...hook('{"a":1}'), body: '{"a":2}' }],
    ['with a short signature', hook('{}', 'r-1', { 'x-hub-signature': 'sha' })],
  ])('rejects a request %s', async (_what, request) => {
    const { post, received } = await listen({ webhookSecret });
    expect((await post(request)).status).toBe(401);
    expect(received).toEqual([]);
  });
});
