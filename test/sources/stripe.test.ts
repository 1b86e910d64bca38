import { createHmac } from 'node:crypto';
import type { EventOptions } from '../../src/manifest/event-source';
import { stripeSource } from '../../src/sources/stripe';
import { describeSourceContract } from '../contract-suites/source-contract';
import { hookContract, listenForHooks } from './hook-fixture';

describeSourceContract(
  hookContract<EventOptions<'stripe'>>({
    factory: stripeSource,
    spec: {},
    send: (text, id) => ({ headers: {}, body: JSON.stringify({ id, type: 'charge.succeeded', text }) }),
    textOf: (data) => (data as { event: { text: string } }).event.text,
  }),
);

describe('event source stripe', () => {
  it('gives an event the payload of Argo Events, and its own id', async () => {
    const { post, received, stop } = await listenForHooks(stripeSource, { metadata: { team: 'eo' } });
    await post({ body: '{"id":"evt_1","type":"charge.succeeded","data":{}}' });
    await stop();
    expect(received[0]?.events[0]).toMatchObject({
      transportId: 'evt_1',
      data: { event: { id: 'evt_1', type: 'charge.succeeded', data: {} }, metadata: { team: 'eo' } },
    });
  });

  it('leaves out types that eventFilter does not list, and rejects what is no event', async () => {
    const { post, received, stop } = await listenForHooks(stripeSource, { eventFilter: ['charge.failed'] });
    expect((await post({ body: '{"id":"evt_1","type":"charge.succeeded"}' })).status).toBe(200);
    expect((await post({ body: '{"id":"evt_2"}' })).status).toBe(400);
    await stop();
    expect(received[0]?.events[0]?.leftOut).toBe('its type is "charge.succeeded", which eventFilter does not list');
  });

  describe('with sluice.io/signature-secret', () => {
    const secrets = { 'hook/stripe': 'whsec_test' };
    const signature = (body: string, { secret = 'whsec_test', at = Date.now() / 1_000 } = {}): string => {
      const time = Math.floor(at);
      return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`;
    };
    const body = '{"id":"evt_1","type":"charge.succeeded"}';
    const listen = (): ReturnType<typeof listenForHooks> =>
      listenForHooks(stripeSource, {}, secrets, { signatureSecret: { name: 'hook', key: 'stripe' } });

    it('accepts what Stripe signed, also while its secret is rolled', async () => {
      const { post, received, stop } = await listen();
      expect((await post({ headers: { 'stripe-signature': signature(body) }, body })).status).toBe(200);
      const both = `${signature(body, { secret: 'old' })},v1=${signature(body).split('v1=')[1]},v0=1`;
      expect((await post({ headers: { 'stripe-signature': both }, body })).status).toBe(200);
      await stop();
      expect(received).toHaveLength(2);
    });

    it.each([
      ['no signature', () => ''],
      ['the signature of another body', () => signature('{}')],
      ['the signature of another secret', () => signature(body, { secret: 'other' })],
      ['an old signature', () => signature(body, { at: Date.now() / 1_000 - 400 })],
      ['a signature of the future', () => signature(body, { at: Date.now() / 1_000 + 400 })],
      ['a signature without a time', () => signature(body).replace(/^t=\d+,/, '')],
      ['only the signature of test mode', () => signature(body).replace('v1=', 'v0=')],
    ])('refuses %s, counts it and says so', async (_, sign) => {
      const { post, received, lines, status, stop } = await listen();
      expect((await post({ headers: { 'stripe-signature': sign() }, body })).status).toBe(401);
      expect(status()).toMatchObject({ connected: true, unauthorized: 1 });
      expect(status().problem).toBeUndefined();
      await stop();
      expect(received).toEqual([]);
      expect(lines.join()).toContain('1 answered 401 or 403');
    });
  });
});
