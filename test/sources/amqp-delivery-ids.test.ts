import type { ConsumeMessage } from 'amqplib';
import { AmqpDeliveryIds } from '../../src/sources/amqp-delivery-ids';

function message(deliveryTag: number, redelivered: boolean, more: Partial<ConsumeMessage['properties']>) {
  const properties: ConsumeMessage['properties'] = {
    contentType: undefined,
    contentEncoding: undefined,
    headers: undefined,
    deliveryMode: 2,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    expiration: undefined,
    messageId: undefined,
    timestamp: undefined,
    type: undefined,
    userId: undefined,
    appId: undefined,
    clusterId: undefined,
    ...more,
  };
  const fields = { consumerTag: 'c', deliveryTag, redelivered, exchange: 'scenes', routingKey: 'new' };
  return { content: Buffer.from('done'), fields, properties };
}

describe('ids of AMQP deliveries', () => {
  it('stay with their message when equal contents with other properties come again in another order', () => {
    const ids = new AmqpDeliveryIds();
    const [one, two] = [{ correlationId: '1' }, { correlationId: '2' }].map((properties, index) =>
      ids.idOf(message(index + 1, false, properties)),
    );
    ids.channelClosed();
    expect(ids.idOf(message(1, true, { correlationId: '2' }))).toBe(two);
    expect(ids.idOf(message(2, true, { correlationId: '1' }))).toBe(one);
  });

  it('stay with a message in whose headers the broker counts its deliveries', () => {
    const ids = new AmqpDeliveryIds();
    const id = ids.idOf(message(1, false, {}));
    ids.returned(1);
    expect(ids.idOf(message(2, true, { headers: { 'x-delivery-count': 1 } }))).toBe(id);
  });
});
