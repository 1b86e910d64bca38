import type { CloudEvent } from '../../src/event/cloud-event';
import {
  deadLetterOf,
  eventsOf,
  keysOf,
  loadFire,
  packFires,
  repackFires,
  type LoadedFire,
} from '../../src/contract/packed-fires';
import { cloudEvent } from '../setup/cloud-event';

const eventNamed = (id: string) => cloudEvent({ id });

describe('the events that some fires of a run use', () => {
  const events = ['a', 'b', 'c', 'd'].map(eventNamed);

  it('are kept once each, and the fires point to them', () => {
    const { fires, events: kept } = repackFires(
      [
        { id: 'f1', trigger: 't', dependencies: { left: [3], right: [1] } },
        { id: 'f2', trigger: 't', dependencies: { left: [1, 3] } },
      ],
      events,
    );
    expect(kept.map(({ id }) => id)).toEqual(['d', 'b']);
    expect(fires).toEqual([
      { id: 'f1', trigger: 't', dependencies: { left: [0], right: [1] } },
      { id: 'f2', trigger: 't', dependencies: { left: [1, 0] } },
    ]);
  });
});

describe('fires with their events', () => {
  const [a, b, unused] = ['a', 'b', 'unused'].map(eventNamed) as [CloudEvent, CloudEvent, CloudEvent];
  const fires: LoadedFire[] = [
    { id: 'f1', trigger: 't', dependencies: { left: [a], right: [b] }, ticket: 'place 1' },
    { id: 'f2', trigger: 'u', dependencies: { left: [b, a] }, collected: true },
  ];

  it('are packed with each event once, and loaded as they were', () => {
    const packed = packFires(fires);
    expect(packed.events).toEqual([a, b]);
    expect(packed.fires.map(({ dependencies }) => dependencies)).toEqual([{ left: [0], right: [1] }, { left: [1, 0] }]);
    expect(packed.fires.map((fire) => loadFire(fire, packed.events))).toEqual(fires);
  });

  it('name their events by dependency, and once each in all', () => {
    const both = { id: 'f', trigger: 't', dependencies: { left: [0], right: [0, 1] } };
    expect(keysOf(loadFire(both, [a, b, unused]))).toEqual({ left: ['stac/a'], right: ['stac/a', 'stac/b'] });
    expect(eventsOf(both, [a, b, unused])).toEqual([a, b]);
  });

  it('leave out an index without an event', () => {
    const broken = { id: 'f', trigger: 't', dependencies: { left: [7], right: [0] } };
    expect(loadFire(broken, [a]).dependencies).toEqual({ left: [], right: [a] });
  });

  it('have a dead letter with an id of its own, and the same events', () => {
    const fire = { id: 'f', trigger: 't', dependencies: { left: [0] } };
    expect(deadLetterOf(fire, 'mail')).toEqual({ ...fire, id: 'f-dlq', trigger: 'mail' });
  });
});
