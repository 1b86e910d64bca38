import { MqttDeliveryIds } from '../../src/sources/mqtt-delivery-ids';

function message(packetId: number, text: string, isRedelivered = false) {
  return { topic: 't', payload: Buffer.from(text), packetId, isRedelivered, isRetained: false };
}

describe('ids of MQTT deliveries', () => {
  it('differ for identical messages, also when the broker uses a packet id again at once', () => {
    const ids = new MqttDeliveryIds(undefined);
    const seen = new Set<string | undefined>();
    for (let count = 0; count < 5; count += 1) {
      const on = message(1, 'ON');
      if (ids.needsEpoch(on)) ids.begin();
      seen.add(ids.idOf(on));
      ids.acknowledged(on);
    }
    expect(seen.size).toBe(5);
  });

  it('begin a new epoch before a packet id comes again, and after many messages', () => {
    const ids = new MqttDeliveryIds(undefined);
    const first = ids.current;
    for (let packetId = 1; packetId <= 10_000; packetId += 1) {
      if (ids.needsEpoch(message(packetId, 'x'))) throw new Error(`too early: ${packetId}`);
      ids.idOf(message(packetId, 'x'));
    }
    expect(ids.needsEpoch(message(10_001, 'x'))).toBe(true);
    ids.begin();
    expect(ids.current).not.toBe(first);
    expect(ids.needsEpoch(message(1, 'x'))).toBe(false);
  });

  it('stay the same when a message comes again, in the same reader, in a later epoch, and in the next reader', () => {
    const ids = new MqttDeliveryIds(undefined);
    const id = ids.idOf(message(7, 'x'));
    const epoch = ids.current;
    expect(ids.idOf(message(7, 'x', true))).toBe(id);
    ids.begin();
    expect(ids.idOf(message(7, 'x', true))).toBe(id);
    expect(new MqttDeliveryIds(epoch).idOf(message(7, 'x', true))).toBe(id);
  });

  it('are other ones for another message with the packet id of one that was not acknowledged', () => {
    const ids = new MqttDeliveryIds('former');
    const id = ids.idOf(message(7, 'x', true));
    expect(ids.idOf(message(7, 'y', true))).not.toBe(id);
    expect(ids.idOf(message(7, 'x'))).not.toBe(id);
  });

  it('do not exist with quality of service 0', () => {
    expect(new MqttDeliveryIds(undefined).idOf(message(0, 'x'))).toBeUndefined();
  });
});
