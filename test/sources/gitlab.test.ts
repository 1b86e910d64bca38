import type { EventOptions } from '../../src/manifest/event-source';
import { gitlabSource } from '../../src/sources/gitlab';
import { describeSourceContract } from '../contract-suites/source-contract';
import { hookContract, listenForHooks, type HookListener } from './hook-fixture';

const SECRETS = { 'gitlab/token': 'létmein' };
const secretToken = { name: 'gitlab', key: 'token' };
/** Headers are bytes; fetch takes them as Latin-1. */
const TOKEN = Buffer.from('létmein', 'utf8').toString('latin1');

describeSourceContract(
  hookContract<EventOptions<'gitlab'>>({
    factory: gitlabSource,
    spec: { secretToken },
    secrets: SECRETS,
    send: (text, id) => ({
      headers: { 'x-gitlab-token': TOKEN, 'idempotency-key': id },
      body: JSON.stringify({ text }),
    }),
    textOf: (data) => (data as { body: { text: string } }).body.text,
  }),
);

describe('event source gitlab', () => {
  const open: HookListener[] = [];
  afterEach(() => Promise.all(open.splice(0).map((listener) => listener.stop())));

  async function listen(spec: EventOptions<'gitlab'>): Promise<HookListener> {
    const listener = await listenForHooks(gitlabSource, spec, SECRETS);
    open.push(listener);
    return listener;
  }

  it('gives a request the payload of Argo Events, without the token', async () => {
    const { post, received } = await listen({ secretToken, metadata: { team: 'eo' } });
    const headers = { 'x-gitlab-token': TOKEN, 'x-gitlab-event': 'Push Hook', 'idempotency-key': 'k-1' };
    expect((await post({ headers, body: '{"object_kind":"push"}' })).status).toBe(200);
    const [event] = received[0]?.events ?? [];
    expect(event?.transportId).toBe('k-1');
    expect(event?.data).toMatchObject({
      headers: { 'X-Gitlab-Event': ['Push Hook'], 'X-Gitlab-Token': ['*** Masked Auth Secret ***'] },
      body: { object_kind: 'push' },
      metadata: { team: 'eo' },
    });
  });

  it.each<[string, Record<string, string>]>([
    ['without the token', {}],
    ['with another token', { 'x-gitlab-token': 'letmein' }],
  ])('rejects a request %s', async (_what, headers) => {
    const { post, received } = await listen({ secretToken });
    expect((await post({ headers })).status).toBe(401);
    expect(received).toEqual([]);
  });

  it('treats two hooks that one event caused as two events', async () => {
    const { post, received } = await listen({});
    for (const _ of [1, 2]) await post({ headers: { 'x-gitlab-event-uuid': 'u-1' } });
    expect(received.map(({ events }) => events[0]?.transportId)).toEqual([undefined, undefined]);
  });
});
