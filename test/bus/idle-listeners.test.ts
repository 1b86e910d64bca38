import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, BusListener } from '../../src/bus/bus';
import { eventually } from '../setup/eventually';
import { connectTestBus, sampleEvent, sampleEvents, take } from './bus-fixture';

/** As many as to tell a request of each from one of all. */
const SENSORS = 50;

describe('sensors whose bus is quiet', () => {
  let nats: RunningNats;
  let bus: Bus;
  let client: NatsConnection;
  const requests: string[] = [];
  const listeners: BusListener[] = [];

  beforeAll(async () => {
    nats = await startNats({ own: true });
    bus = await connectTestBus(nats);
    client = await connect({ servers: nats.url });
    for (let index = 0; index < SENSORS; index += 1) {
      const listener = await bus.openListener({
        namespace: 'argo',
        sensorName: `sensor-${index}`,
        paths: [index === 0 ? 'stac.scenes' : `stac.other-${index}`],
        startFrom: { kind: 'all' },
        maxBatch: 10,
      });
      void listener.pull(1);
      listeners.push(listener);
    }
    client.subscribe('$JS.API.*.INFO.>', { callback: (_, { subject }) => void requests.push(subject) });
    client.subscribe('$JS.API.STREAM.MSG.GET.>', { callback: (_, { subject }) => void requests.push(subject) });
    client.subscribe('$KV.>', { callback: (_, { subject }) => void requests.push(subject) });
    await client.flush();
  });
  afterAll(async () => {
    await bus?.close();
    await client?.close();
    await nats?.stop();
  });

  const measureAll = () => Promise.all(listeners.map((listener) => listener.measureBacklog(true)));

  it('are measured by one request for all of them', async () => {
    await measureAll();
    await client.flush();
    requests.length = 0;
    const backlogs = await measureAll();
    expect(backlogs.every(({ waiting, expired }) => waiting === 0 && expired.length === 0)).toBe(true);
    await client.flush();
    expect(requests.filter((subject) => subject.includes('CONSUMER.INFO'))).toEqual([]);
    expect(requests.length).toBeLessThanOrEqual(1);
  });

  it('are asked for each by itself again as soon as it receives something', async () => {
    const [first] = listeners;
    await bus.publishEvents([sampleEvent('waited for'), ...sampleEvents(2)]);
    const taken = await take(first ?? fail(), 2, { ack: false });
    const backlog = await eventually(async () => {
      const measured = await first?.measureBacklog(true);
      return measured?.waiting === 3 ? measured : undefined;
    });
    expect(backlog).toMatchObject({ inHand: 3, expired: [] });
    for (const message of taken) message.ack();
  });
});

function fail(): never {
  throw new Error('no listener is open');
}
