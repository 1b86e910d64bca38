import { noopMetricMeter } from '@temporalio/common';
import { Metrics } from '../../src/metrics/metrics';
import { SlotWatch } from '../../src/plugin/slot-watch';
import { WorkflowSlots } from '../../src/plugin/workflow-slots';
import type { SluiceError } from '../../src/errors/sluice-error';

const never = new AbortController().signal;

describe('slots for workflow tasks', () => {
  it('are handed out up to their number, then when one is released', async () => {
    const slots = new WorkflowSlots(2);
    const first = await slots.reserveSlot({}, never);
    expect(slots.tryReserveSlot()).not.toBeNull();
    expect(slots.tryReserveSlot()).toBeNull();
    const waiting = slots.reserveSlot({}, never);
    slots.releaseSlot({ permit: first });
    await waiting;
    expect(slots.tryReserveSlot()).toBeNull();
  });

  it('are not kept for a poll that is given up', async () => {
    const slots = new WorkflowSlots(1);
    const first = await slots.reserveSlot({}, never);
    const giveUp = new AbortController();
    const waiting = slots.reserveSlot({}, giveUp.signal);
    giveUp.abort(new Error('aborted'));
    await expect(waiting).rejects.toThrow('aborted');
    slots.releaseSlot({ permit: first });
    expect(slots.tryReserveSlot()).not.toBeNull();
  });
});

describe('the watch of slots', () => {
  function begin(count: number, isTemporalThere = () => Promise.resolve(true)) {
    const slots = new WorkflowSlots(count);
    const lost: SluiceError[] = [];
    const watch = new SlotWatch({
      ...{ slots, taskQueue: 'q', metrics: new Metrics(() => noopMetricMeter), isTemporalThere },
      onLost: (error) => lost.push(error),
    });
    const use = (workflowType: string): (() => void) => {
      const permit = slots.tryReserveSlot() ?? {};
      slots.markSlotUsed({ slotInfo: { type: 'workflow', workflowType, isSticky: true }, permit });
      return () => slots.releaseSlot({ permit });
    };
    const look = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1) await watch.look();
    };
    return { watch, lost, use, look };
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

  it('ends a worker that completes no task for a minute while all slots are in use', async () => {
    const { watch, lost, use, look } = begin(2);
    use('ownersWorkflow');
    use('ownersWorkflow');
    await look(1);
    expect(watch.problem()).toBeUndefined();
    await look(1);
    expect(watch.problem()).toBe('all 2 slots for workflow tasks are in use, and none is released');
    await look(9);
    expect(lost).toEqual([]);
    await look(1);
    expect(lost).toMatchObject([{ code: 'WORKER_STUCK' }]);
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
    const { lost, use, look } = begin(1, () => Promise.resolve(isThere));
    use('sensor');
    await look(30);
    expect(lost).toEqual([]);
    isThere = true;
    await look(2);
    expect(lost).toHaveLength(1);
  });
});
