import { readPriorities } from '../../../activities/listener/read-priorities';
import type { JsonValue } from '../../../src/event/json';
import { createExpressionEngine } from '../../../src/expressions';
import type { ExpressionEngine } from '../../../src/expressions/engine';
import { cloudEvent } from '../../setup/cloud-event';

describe('the priority of an event', () => {
  let engine: ExpressionEngine;
  beforeAll(() => {
    engine = createExpressionEngine();
  });
  afterAll(() => engine.close());

  const eventWith = (data?: JsonValue) => cloudEvent(data === undefined ? {} : { data });
  const read = async (data?: JsonValue) => {
    const trigger = { priority: 4, from: 'body.priority' };
    const priorities = await readPriorities(eventWith(data), [trigger, { priority: 2 }], engine);
    return { priority: priorities.of(trigger), other: priorities.of({ priority: 2 }), problem: priorities.problem };
  };

  it.each([1, '5'])('is the value %j at the path that its trigger names', async (priority) => {
    expect(await read({ body: { priority } })).toEqual({ priority: Number(priority), other: 2, problem: undefined });
  });

  it.each([[{ body: {} }], [{}], [undefined]])(
    'is that of the trigger for an event without a value: %j',
    async (data) => {
      expect(await read(data)).toEqual({ priority: 4, other: 2, problem: undefined });
    },
  );

  it('is never more urgent than a mark on the event, which a back-fill sets', async () => {
    const trigger = { priority: 2, from: 'body.priority' };
    const event = { ...eventWith({ body: { priority: 1 } }), sluicepriority: '4' };
    const priorities = await readPriorities(event, [trigger, { priority: 5 }], engine);
    expect([priorities.of(trigger), priorities.of({ priority: 5 })]).toEqual([4, 5]);
    const plain = await readPriorities({ ...eventWith(), sluicepriority: '4' }, [{ priority: 3 }], engine);
    expect(plain.of({ priority: 3 })).toBe(4);
  });

  it.each([0, 6, 1.5, 'high', '', null, { of: 1 }, 'x'.repeat(1_000)])(
    'is that of the trigger for the value %j, with the reason for the record',
    async (priority) => {
      const found = await read({ body: { priority } });
      expect(found).toMatchObject({
        priority: 4,
        problem: expect.stringContaining('no priority from 1 to 5') as unknown,
      });
      expect(found.problem?.length).toBeLessThan(150);
    },
  );
});
