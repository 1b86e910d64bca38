import { DependencyState } from '../../../src/sandbox/sensor/dependency-state';
import type { EventReference, StateChange } from '../../../src/sandbox/sensor/dependency-state-types';

const NOON = Date.parse('2026-07-01T12:00:00Z');

describe('the queue of a limited trigger', () => {
  it('starts the most urgent fires first, those of one priority in their order', () => {
    const state = new DependencyState<EventReference>({
      dependencies: { a: 'a1' },
      triggers: [
        { name: 't', conditions: 'a', concurrency: { limit: 1 }, priority: { from: 'body.urgency', otherwise: 3 } },
      ],
    });
    const observe = (key: string, urgency: string): StateChange<EventReference> =>
      state.observe({
        dependency: 'a',
        event: { key, id: key, time: new Date(NOON).toISOString() },
        receivedAt: NOON,
        keys: { 'body.urgency': urgency },
      });
    const { fires } = observe('first', '5');
    const queued = [observe('last', '5'), observe('odd', 'soon'), observe('now', '1'), observe('usual', '3')];
    queued.push(observe('now-too', '1'));
    expect(queued.flatMap(({ notes }) => notes)).toMatchObject([0, 0, 0, 2, 1].map((ahead) => ({ ahead })));
    const order: string[] = [];
    for (let [running] = fires; running !== undefined; [running] = state.finished(running.id).fires) {
      order.push(running.dependencies.a?.key ?? '');
    }
    expect(order).toEqual(['first', 'now', 'now-too', 'odd', 'usual', 'last']);
  });
});
