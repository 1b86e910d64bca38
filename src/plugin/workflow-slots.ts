/**
 * The slots of a worker for workflow tasks: as many as the SDK would use, but observed. The SDK (1.24) can lose one for
 * good: if two tasks of a workflow wait for a place in a full cache, it may drop one without completing it. The
 * workflow then never continues in this worker, and each further task of it takes another slot.
 */
import type { CustomSlotSupplier, SlotPermit, SlotReserveContext, WorkflowSlotInfo } from '@temporalio/worker';

export interface SlotUse {
  readonly workflowType: string;
  /** Number of tasks that were completed since this one was taken. */
  readonly overtakenBy: number;
  /** Number of looks since it was taken. */
  readonly looks: number;
  /** Sum of what the looks said against it. */
  readonly suspicion: number;
}

type PollingFor = Pick<SlotReserveContext, 'isSticky'>;

interface Use {
  readonly workflowType: string;
  readonly releasedBefore: number;
  looks: number;
  suspicion: number;
}

export class WorkflowSlots implements CustomSlotSupplier<WorkflowSlotInfo> {
  readonly type = 'custom';
  private readonly uses = new Map<SlotPermit, Use>();
  /** Slots that polls hold until they get a task, and whether only one of a cached workflow. */
  private readonly polls = new Map<SlotPermit, boolean>();
  private readonly waiting = new Set<() => void>();
  private reserved = 0;
  private released = 0;

  constructor(readonly slots: number) {}

  reserveSlot({ isSticky }: PollingFor, signal: AbortSignal): Promise<SlotPermit> {
    const permit = this.tryReserveSlot({ isSticky });
    if (permit !== null) return Promise.resolve(permit);
    return new Promise((resolve, reject) => {
      const take = (): void => resolve(this.give(isSticky));
      this.waiting.add(take);
      // The SDK recognises its own reason.
      const giveUp = (): void => {
        if (this.waiting.delete(take)) reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  tryReserveSlot({ isSticky }: PollingFor): SlotPermit | null {
    if (this.reserved >= this.slots) return null;
    this.reserved += 1;
    return this.give(isSticky);
  }

  /** Polls for workflows that are not cached get no slot; those that only take tasks of cached ones may hold some. */
  takesNoOthers(): boolean {
    return this.reserved >= this.slots && [...this.polls.values()].every((isSticky) => isSticky);
  }

  markSlotUsed({ slotInfo, permit }: { readonly slotInfo: WorkflowSlotInfo; readonly permit: SlotPermit }): void {
    const { workflowType } = slotInfo;
    this.polls.delete(permit);
    this.uses.set(permit, { workflowType, releasedBefore: this.released, looks: 0, suspicion: 0 });
  }

  releaseSlot({ permit }: { readonly permit: SlotPermit }): void {
    this.polls.delete(permit);
    if (this.uses.delete(permit)) this.released += 1;
    const [next] = this.waiting;
    if (next === undefined) {
      this.reserved -= 1;
      return;
    }
    this.waiting.delete(next);
    next();
  }

  /** Slots in use. */
  all(): readonly SlotUse[] {
    return [...this.uses.values()].map((use) => this.describe(use));
  }

  /** Counts one look for each slot in use: a process that stood still makes no use longer. */
  look(suspect: (use: SlotUse) => number): void {
    for (const use of this.uses.values()) {
      use.looks += 1;
      use.suspicion += suspect(this.describe(use));
    }
  }

  private give(isSticky: boolean): SlotPermit {
    const permit: SlotPermit = {};
    this.polls.set(permit, isSticky);
    return permit;
  }

  private describe({ releasedBefore, ...use }: Use): SlotUse {
    return { ...use, overtakenBy: this.released - releasedBefore };
  }
}
