import type { EventOptions } from '../../src/manifest/event-source';
import { bitbucketSource } from '../../src/sources/bitbucket';
import { describeSourceContract } from '../contract-suites/source-contract';
import { hookContract, listenForHooks } from './hook-fixture';

describeSourceContract(
  hookContract<EventOptions<'bitbucket'>>({
    factory: bitbucketSource,
    spec: {},
    send: (text, id) => ({ headers: { 'x-request-uuid': id }, body: JSON.stringify({ text }) }),
    textOf: (data) => (data as { body: { text: string } }).body.text,
  }),
);

describe('event source bitbucket', () => {
  it('gives a request the payload of Argo Events, and its own id', async () => {
    const { post, received, stop } = await listenForHooks(bitbucketSource, { metadata: { team: 'eo' } });
    const headers = { 'x-request-uuid': 'r-1', 'x-event-key': 'repo:push', 'x-attempt-number': '2' };
    expect((await post({ headers, body: '{"push":{}}' })).status).toBe(200);
    await stop();
    const [event] = received[0]?.events ?? [];
    expect(event?.transportId).toBe('r-1');
    expect(event?.data).toMatchObject({
      headers: { 'X-Event-Key': ['repo:push'], 'X-Attempt-Number': ['2'] },
      body: { push: {} },
      metadata: { team: 'eo' },
    });
  });
});
