import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { connectTestBus, sampleEvent } from './bus-fixture';

const SMALLEST_PAYLOAD = 64 * 1024;

describe('held contents on the bus', () => {
  let nats: RunningNats;
  let bus: Bus;

  beforeAll(async () => {
    nats = await startNats({ own: true, maxPayloadBytes: SMALLEST_PAYLOAD });
    bus = await connectTestBus(nats);
  });
  afterAll(async () => {
    await bus.close();
    await nats.stop();
  });

  it('are returned in the order of the names, with gaps for missing ones', async () => {
    expect(await bus.recallHeld('eo', 'water', ['1'])).toEqual([undefined]);
    const [first, second] = [sampleEvent('first'), sampleEvent('second')];
    await bus.storeHeld('eo', 'water', [
      { name: '1', event: first },
      { name: '2', event: second },
    ]);
    expect(await bus.recallHeld('eo', 'water', ['2', 'none', '1'])).toEqual([second, undefined, first]);
  });

  it('may exceed the message size of the server', async () => {
    const event = sampleEvent('large', { data: { item: 'ü'.repeat(3 * SMALLEST_PAYLOAD) } });
    await bus.storeHeld('eo', 'large', [{ name: '1', event }]);
    expect(await bus.recallHeld('eo', 'large', ['1'])).toEqual([event]);
  });

  it('are stored once, however often they are written, and the latest wins', async () => {
    for (const id of ['former', 'later']) await bus.storeHeld('eo', 'twice', [{ name: '1', event: sampleEvent(id) }]);
    expect(await bus.recallHeld('eo', 'twice', ['1'])).toEqual([sampleEvent('later')]);
  });

  it('are deleted without affecting others', async () => {
    const names = ['1', '2', '12'];
    const contents = names.map((name) => ({ name, event: sampleEvent(name) }));
    for (const sensor of ['one', 'two.three']) await bus.storeHeld('eo', sensor, contents);
    await bus.forgetHeld('eo', 'one', ['1', 'none']);
    expect(await bus.recallHeld('eo', 'one', names)).toEqual([undefined, sampleEvent('2'), sampleEvent('12')]);
    await bus.forgetSensor('eo', 'one');
    expect(await bus.recallHeld('eo', 'one', names)).toEqual([undefined, undefined, undefined]);
    expect(await bus.recallHeld('eo', 'two.three', names)).toEqual(contents.map(({ event }) => event));
  });
});
