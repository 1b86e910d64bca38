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
});
