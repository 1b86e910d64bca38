/**
 * The slots of a worker for workflow tasks: as many as the SDK would use, but observed. The SDK (1.24) can lose one for
 * good: if two tasks of a workflow wait for a place in a full cache, it may drop one without completing it. The
 * workflow then never continues in this worker, and each further task of it takes another slot.
 */
import type { CustomSlotSupplier, SlotPermit, WorkflowSlotInfo } from '@temporalio/worker';

/** Number of looks during which a slot was in use. */
interface Use {
  readonly workflowType: string;
  looks: number;
}

export interface SlotUse {
  /** Slots in use, as the number of looks since each was taken. */
  readonly all: readonly number[];
  readonly slots: number;
  /** Of the workflow types that were asked for. */
  readonly longest: { readonly workflowType: string; readonly looks: number } | undefined;
}

export class WorkflowSlots implements CustomSlotSupplier<WorkflowSlotInfo> {
  readonly type = 'custom';
  private readonly uses = new Map<SlotPermit, Use>();
  private readonly waiting = new Set<(permit: SlotPermit) => void>();
  private reserved = 0;

  constructor(readonly slots: number) {}

  reserveSlot(_context: unknown, signal: AbortSignal): Promise<SlotPermit> {
    const permit = this.tryReserveSlot();
    if (permit !== null) return Promise.resolve(permit);
    return new Promise((resolve, reject) => {
      this.waiting.add(resolve);
      // The SDK recognises its own reason.
      const giveUp = (): void => {
        if (this.waiting.delete(resolve)) reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  tryReserveSlot(): SlotPermit | null {
    if (this.reserved >= this.slots) return null;
    this.reserved += 1;
    return {};
  }

  markSlotUsed({ slotInfo, permit }: { readonly slotInfo: WorkflowSlotInfo; readonly permit: SlotPermit }): void {
    this.uses.set(permit, { workflowType: slotInfo.workflowType, looks: 0 });
  }

  releaseSlot({ permit }: { readonly permit: SlotPermit }): void {
    this.uses.delete(permit);
    const [next] = this.waiting;
    if (next === undefined) {
      this.reserved -= 1;
      return;
    }
    this.waiting.delete(next);
    next({});
  }

  /** Counts one look for each slot in use: a process that stood still makes no use longer. */
  look(isWatched: (workflowType: string) => boolean): SlotUse {
    let longest: Use | undefined;
    for (const use of this.uses.values()) {
      use.looks += 1;
      if (isWatched(use.workflowType) && use.looks > (longest?.looks ?? 0)) longest = use;
    }
    return { slots: this.slots, all: [...this.uses.values()].map(({ looks }) => looks), longest };
  }
}
