import type { CloudEvent } from '../../../src/event/cloud-event';
import { keepUsedEvents } from '../../../src/sandbox/run/used-events';

function eventNamed(id: string): CloudEvent {
  return {
    specversion: '1.0',
    ...{ id, source: 'stac', subject: 'items', type: 'webhook' },
    ...{ time: '2026-01-01T00:00:00Z', datacontenttype: 'application/json' },
  };
}

describe('the events that some fires of a run use', () => {
  const events = ['a', 'b', 'c', 'd'].map(eventNamed);

  it('are kept once each, and the fires point to them', () => {
    const { fires, events: kept } = keepUsedEvents(
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
