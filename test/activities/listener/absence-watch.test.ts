import { AbsenceWatch } from '../../../activities/listener/absence-watch';
import { startNats, type RunningNats } from '../../../dev/servers';
import type { Bus } from '../../../src/bus/bus';
import type { SensorDefinition } from '../../../src/contract/definitions';
import { ABSENCE_SOURCE } from '../../../src/event/absence-event';
import type { CloudEvent } from '../../../src/event/cloud-event';
import { parseSensor } from '../../../src/validation/parse-manifest';
import { connectTestBus, sampleEvent } from '../../bus/bus-fixture';

const DAY = 24 * 3_600_000;
const START = Date.parse('2026-06-01T00:00:00Z');

function expecting(expectEvery: string): SensorDefinition {
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'water', namespace: 'argo', annotations: { 'sluice.io/expect-every': expectEvery } },
    spec: {
      dependencies: [
        { name: 'scene', eventSourceName: 'stac', eventName: 'items' },
        { name: 'report', eventSourceName: 'mail', eventName: 'reports' },
        { name: 'missing', eventSourceName: ABSENCE_SOURCE, eventName: 'water' },
      ],
      triggers: [{ template: { name: 'log', conditions: 'scene || report || missing', log: {} } }],
    },
  });
  const bus = { namespace: 'argo', name: 'default', spec: { jetstream: { version: 'latest' } } };
  return { namespace: 'argo', name: 'water', spec: object.spec, options, bus };
}

describe('a sensor that expects events', () => {
  let nats: RunningNats;
  let bus: Bus;

  beforeEach(async () => {
    nats = await startNats({ own: true });
    bus = await connectTestBus(nats);
  });
  afterEach(async () => {
    await bus.close();
    await nats.stop();
  });

  function watchOf(expectEvery: string): AbsenceWatch {
    const watch = AbsenceWatch.of(expecting(expectEvery), bus);
    if (watch === undefined) throw new Error('it expects nothing');
    return watch;
  }

  async function absences(): Promise<CloudEvent[]> {
    const found: CloudEvent[] = [];
    for await (const { event } of bus.readEvents({})) if (event?.source === ABSENCE_SOURCE) found.push(event);
    return found;
  }

  it('publishes one event for a gap, with what it has seen last', async () => {
    const watch = watchOf('scene=6d');
    await watch.look(START, true);
    watch.matched('scene', sampleEvent('S2A', { time: '2026-06-01T23:59:00Z' }), START + DAY);
    for (const days of [1, 6.9, 7, 7.1, 20]) await watch.look(START + days * DAY, true);
    expect(await absences()).toMatchObject([
      {
        subject: 'water',
        sluicenamespace: 'argo',
        type: 'sluice.absence',
        time: '2026-06-08T00:00:00.000Z',
        data: {
          dependency: 'scene',
          expected_every_seconds: 6 * 86_400,
          last_seen_at: '2026-06-02T00:00:00.000Z',
          missing_since: '2026-06-08T00:00:00.000Z',
          last_event: { id: 'S2A', time: '2026-06-01T23:59:00Z' },
        },
      },
    ]);
  });

  it('publishes again for the next gap, not before', async () => {
    const watch = watchOf('scene=6d');
    await watch.look(START, true);
    await watch.look(START + 6 * DAY, true);
    watch.matched('scene', sampleEvent('late'), START + 8 * DAY);
    for (const days of [8, 13.9, 14, 15]) await watch.look(START + days * DAY, true);
    expect((await absences()).map(({ time }) => time)).toEqual([
      '2026-06-07T00:00:00.000Z',
      '2026-06-15T00:00:00.000Z',
    ]);
  });

  it('counts a gap from when it began to wait, if there was no event yet', async () => {
    const watch = watchOf('scene=6d');
    await watch.look(START, true);
    await watch.look(START + 6 * DAY, true);
    expect(await absences()).toMatchObject([{ data: { last_seen_at: null, last_event: null } }]);
  });

  it('waits until it has handled what is on the bus', async () => {
    const watch = watchOf('scene=6d');
    await watch.look(START, true);
    await watch.look(START + 7 * DAY, false);
    expect(await absences()).toEqual([]);
    watch.matched('scene', sampleEvent('it was waiting'), START + 7 * DAY);
    await watch.look(START + 7 * DAY, true);
    expect(await absences()).toEqual([]);
  });

  it('goes on where another worker died, which may have published already', async () => {
    await watchOf('6d').look(START, true);
    const [one, other] = [watchOf('6d'), watchOf('6d')];
    await one.look(START + 5 * DAY, true);
    await other.look(START + 5 * DAY, true);
    one.matched('report', sampleEvent('seen by one'), START + 5 * DAY);
    await one.look(START + 5 * DAY, true);
    await Promise.all([one.look(START + 6 * DAY, true), other.look(START + 6 * DAY, true)]);
    // Dependencies on absences are not expected themselves.
    expect((await absences()).map(({ id }) => id)).toEqual([`water:scene:${START}`]);
  });

  it('forgets what it has seen when it is deleted', async () => {
    await watchOf('scene=6d').look(START, true);
    await bus.forgetSensor('argo', 'water');
    await watchOf('scene=6d').look(START + 7 * DAY, true);
    expect(await absences()).toEqual([]);
  });

  it('keeps what it has seen while the bus is away', async () => {
    const watch = watchOf('scene=6d');
    await watch.look(START, true);
    watch.matched('scene', sampleEvent('S2A'), START + DAY);
    const failing = jest.spyOn(bus, 'updateShared').mockRejectedValueOnce(new Error('away'));
    await expect(watch.look(START + DAY, true)).rejects.toThrow('away');
    failing.mockRestore();
    await watch.look(START + 6 * DAY, true);
    expect(await absences()).toEqual([]);
  });
});
