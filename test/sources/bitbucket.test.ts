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

  it('verifies the signature, if sluice.io/signature-secret names the secret of the hook', async () => {
    const { post, received, status, stop } = await listenForHooks(
      bitbucketSource,
      {},
      { 'hook/bitbucket': "It's a Secret to Everybody" },
      { signatureSecret: { name: 'hook', key: 'bitbucket' } },
    );
    // The example of Bitbucket's documentation.
    const signature = 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9';
    const body = 'Hello World!';
    // Signed, but no JSON.
    expect((await post({ headers: { 'x-hub-signature': signature }, body })).status).toBe(400);
    for (const wrong of ['', signature.replace('a', 'b')]) {
      expect((await post({ headers: { 'x-hub-signature': wrong }, body })).status).toBe(401);
    }
    expect(status().unauthorized).toBe(2);
    await stop();
    expect(received.flatMap(({ events }) => events)).toEqual([]);
  });
});
