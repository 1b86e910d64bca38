import { AttemptNotes, type NotingWorker } from '../../../activities/listener/attempt-notes';
import { startNats, type RunningNats } from '../../../dev/servers';
import type { Bus } from '../../../src/bus/bus';
import { attemptsKey } from '../../../src/bus/bus-names';
import { connectTestBus } from '../../bus/bus-fixture';

const SENSOR = { namespace: 'argo', name: 'water' };
const workerNamed = (name: string): NotingWorker => ({ process: `process of ${name}`, name, begun: new Map() });

describe('the note of a first attempt', () => {
  let nats: RunningNats;
  let bus: Bus;

  beforeAll(async () => {
    nats = await startNats({ own: true });
  });
  beforeEach(async () => {
    bus = await connectTestBus(nats);
  });
  afterEach(async () => {
    await bus.forgetSensor(SENSOR.namespace, SENSOR.name);
    await bus.close();
  });
  afterAll(() => nats.stop());

  it('tells other workers that the attempt may have been made, until it has ended', async () => {
    const [first, second] = ['a', 'b'].map((name) => new AttemptNotes(bus, SENSOR, workerNamed(name))) as [
      AttemptNotes,
      AttemptNotes,
    ];
    expect(await first.begin(['1', '2'])).toEqual(new Map());
    expect([...(await second.ofOthers(['1', '2', '3'])).entries()]).toMatchObject([
      ['1', { worker: 'a' }],
      ['2', { worker: 'a' }],
    ]);
    expect(await first.ofOthers(['1', '2'])).toEqual(new Map());

    first.end(['1']);
    await first.publish();
    expect([...(await second.ofOthers(['1', '2'])).keys()]).toEqual(['2']);
  });

  it('lets only one of two workers begin', async () => {
    const notes = Array.from({ length: 8 }, (_, index) => new AttemptNotes(bus, SENSOR, workerNamed(`${index}`)));
    const begun = await Promise.all(notes.map((each) => each.begin(['1'])));
    expect(begun.filter((elsewhere) => !elsewhere.has('1'))).toHaveLength(1);
  });

  it('is shared by the listeners of a process', async () => {
    const worker = workerNamed('a');
    await new AttemptNotes(bus, SENSOR, worker).begin(['1']);
    await new AttemptNotes(bus, SENSOR, worker).begin(['2']);
    const other = new AttemptNotes(bus, SENSOR, workerNamed('b'));
    expect([...(await other.ofOthers(['1', '2'])).keys()]).toEqual(['1', '2']);
  });

  it('does not begin what the bus could not store', async () => {
    const worker = workerNamed('a');
    const away: Pick<Bus, 'readShared' | 'updateShared'> = {
      readShared: () => Promise.resolve(undefined),
      updateShared: () => Promise.reject(new Error('no responders')),
    };
    await expect(new AttemptNotes(away, SENSOR, worker).begin(['1'])).rejects.toThrow('no responders');
    await new AttemptNotes(bus, SENSOR, worker).begin(['2']);
    const other = new AttemptNotes(bus, SENSOR, workerNamed('b'));
    expect([...(await other.ofOthers(['1', '2'])).keys()]).toEqual(['2']);
  });

  it('is not written again by a listener that ends after its sensor was deleted', async () => {
    const notes = new AttemptNotes(bus, SENSOR, workerNamed('a'));
    await notes.begin(['1']);
    notes.end(['1']);
    await bus.forgetSensor(SENSOR.namespace, SENSOR.name);
    await expect(notes.publish()).rejects.toThrow();
    let before: unknown = 'unread';
    const look = bus.updateShared<unknown>('positions', attemptsKey(SENSOR.namespace, SENSOR.name), (value) => {
      before = value;
      return undefined;
    });
    await expect(look).rejects.toThrow();
    expect(before).toBeUndefined();
  });

  it('is gone when the sensor is deleted', async () => {
    await new AttemptNotes(bus, SENSOR, workerNamed('a')).begin(['1']);
    await bus.forgetSensor(SENSOR.namespace, SENSOR.name);
    expect(await new AttemptNotes(bus, SENSOR, workerNamed('b')).ofOthers(['1'])).toEqual(new Map());
  });
});
