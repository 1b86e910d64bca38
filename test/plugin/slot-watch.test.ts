import { noopMetricMeter } from '@temporalio/common';
import { Metrics } from '../../src/metrics/metrics';
import { SlotWatch } from '../../src/plugin/slot-watch';
import { WorkflowSlots } from '../../src/plugin/workflow-slots';
import type { SluiceError } from '../../src/errors/sluice-error';

const never = new AbortController().signal;
const forAny = { isSticky: false };
const forCached = { isSticky: true };

describe('slots for workflow tasks', () => {
  it('are handed out up to their number, then when one is released', async () => {
    const slots = new WorkflowSlots(2);
    const first = await slots.reserveSlot(forAny, never);
    expect(slots.tryReserveSlot(forAny)).not.toBeNull();
    expect(slots.tryReserveSlot(forAny)).toBeNull();
    const waiting = slots.reserveSlot(forAny, never);
    slots.releaseSlot({ permit: first });
    await waiting;
    expect(slots.tryReserveSlot(forAny)).toBeNull();
  });

  it('are not kept for a poll that is given up', async () => {
    const slots = new WorkflowSlots(1);
    const first = await slots.reserveSlot(forAny, never);
    const giveUp = new AbortController();
    const waiting = slots.reserveSlot(forAny, giveUp.signal);
    giveUp.abort(new Error('aborted'));
    await expect(waiting).rejects.toThrow('aborted');
    slots.releaseSlot({ permit: first });
    expect(slots.tryReserveSlot(forAny)).not.toBeNull();
  });
});

describe('the watch of slots', () => {
  interface Surroundings {
    isTemporalThere?: () => Promise<boolean>;
    wasAtRest?: () => boolean;
    isWaitingFor?: (workflowType: string) => boolean;
  }
  function begin(count: number, surroundings: Surroundings = {}) {
    const slots = new WorkflowSlots(count);
    const lost: SluiceError[] = [];
    const watch = new SlotWatch({
      ...{ slots, taskQueue: 'q', metrics: new Metrics(() => noopMetricMeter) },
      ...{ isTemporalThere: () => Promise.resolve(true), wasAtRest: () => true, isWaitingFor: () => false },
      ...surroundings,
      onLost: (error) => lost.push(error),
    });
    const use = (workflowType: string): (() => void) => {
      const permit = slots.tryReserveSlot(forAny) ?? {};
      slots.markSlotUsed({ slotInfo: { type: 'workflow', workflowType, isSticky: true }, permit });
      return () => slots.releaseSlot({ permit });
    };
    const look = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1) await watch.look();
    };
    return { slots, watch, lost, use, look };
  }

  it('ends a worker one of whose tasks is not completed for two minutes', async () => {
    const { lost, use, look } = begin(40);
    use('sensor');
    await look(23);
    expect(lost).toEqual([]);
    await look(10);
    expect(lost).toMatchObject([{ code: 'WORKER_STUCK', message: expect.stringContaining('type sensor') as string }]);
  });

  it('leaves the long tasks of other workflows alone', async () => {
    const { lost, use, look } = begin(40);
    use('ownersWorkflow');
    await look(100);
    expect(lost).toEqual([]);
  });

  it('ends a worker that completes no task for two minutes while all slots are in use', async () => {
    const { watch, lost, use, look } = begin(2);
    use('ownersWorkflow');
    use('ownersWorkflow');
    await look(1);
    expect(watch.problem()).toBeUndefined();
    await look(1);
    expect(watch.problem()).toBe('all 2 slots for workflow tasks are in use, and none is released');
    await look(22);
    expect(lost).toEqual([]);
    await look(10);
    expect(lost).toMatchObject([{ code: 'WORKER_STUCK' }]);
  });

  it('counts slots that are kept for cached workflows among those that take nothing else', async () => {
    const { slots, watch, use, look } = begin(3);
    use('ownersWorkflow');
    const permit = slots.tryReserveSlot(forAny) ?? {};
    slots.tryReserveSlot(forCached);
    await look(2);
    expect(watch.problem()).toBeUndefined();
    slots.markSlotUsed({ slotInfo: { type: 'workflow', workflowType: 'ownersWorkflow', isSticky: false }, permit });
    await look(2);
    expect(watch.problem()).toMatch(/all 3 slots/);
  });

  it('finds a busy worker ready whose slots are released and taken', async () => {
    const { watch, lost, use, look } = begin(2);
    use('ownersWorkflow');
    let release = use('ownersWorkflow');
    for (let round = 0; round < 50; round += 1) {
      await look(1);
      release();
      release = use('ownersWorkflow');
    }
    expect([watch.problem(), lost]).toEqual([undefined, []]);
  });

  it('waits for Temporal, without which no task can be completed', async () => {
    let isThere = false;
    const { lost, use, look } = begin(1, { isTemporalThere: () => Promise.resolve(isThere) });
    use('sensor');
    await look(30);
    expect(lost).toEqual([]);
    isThere = true;
    await look(20);
    expect(lost).toEqual([]);
    await look(10);
    expect(lost).toHaveLength(1);
  });

  it('does not take the first answer of a Temporal that was away for a sign that tasks are lost', async () => {
    let answer: (isThere: boolean) => void = () => undefined;
    const answers = () => new Promise<boolean>((resolve) => (answer = resolve));
    const { lost, use, watch } = begin(1, { isTemporalThere: answers });
    use('sensor');
    for (let time = 0; time < 60; time += 1) {
      const looking = watch.look();
      answer(false);
      await looking;
    }
    const looking = watch.look();
    answer(true);
    await looking;
    expect(lost).toEqual([]);
  });

  it('leaves a worker alone for much longer that gets no processor, but not for ever', async () => {
    const { lost, use, look } = begin(2, { wasAtRest: () => false });
    use('sensor');
    use('ownersWorkflow');
    await look(100);
    expect(lost).toEqual([]);
    await look(50);
    expect(lost).toHaveLength(1);
  });

  it('ends a busy worker that completes the tasks that came later', async () => {
    const { lost, use, look } = begin(2, { wasAtRest: () => false });
    use('sensor');
    for (let task = 0; task < 400; task += 1) use('sensorRun')();
    await look(40);
    expect(lost).toMatchObject([{ code: 'WORKER_STUCK', message: expect.stringContaining('type sensor') as string }]);
  });

  it('leaves tasks alone whose local activities run', async () => {
    const { lost, use, look } = begin(2, { isWaitingFor: (workflowType) => workflowType === 'sensorRun' });
    use('sensorRun');
    use('sensorRun');
    await look(500);
    expect(lost).toEqual([]);
  });
});
