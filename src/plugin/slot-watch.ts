/**
 * Notices that a worker has lost slots for workflow tasks: it looks healthy, and some or all of its workflows stand
 * still until it is restarted. See `WorkflowSlots` for the cause.
 */
import { WORKFLOW_TYPES } from '../contract/identity';
import { SluiceError } from '../errors/sluice-error';
import type { Metrics } from '../metrics/metrics';
import type { WorkflowSlots } from './workflow-slots';

export const LOOK_EVERY_MS = 5_000;
/**
 * Two minutes of a process at rest. No task of Sluice takes so long, nor do the requests of the SDK for one task to a
 * Temporal that hangs: each ends after 40 s.
 */
const LOST = 120;
const AT_REST = 5;
/** A process that was busy, or got no processor, may only be slow: it takes ten minutes. */
const BUSY = 1;
/** All slots in use, and none released: new tasks wait. */
const BUSY_LOOKS = 2;
/** Tasks are taken in turn; if so many others were completed meanwhile, it does not wait for its turn. */
const OVERTAKEN = 400;

export interface SlotWatchOptions {
  readonly slots: WorkflowSlots;
  readonly taskQueue: string;
  readonly metrics: Metrics;
  /** False if Temporal does not answer soon: tasks cannot be completed then. */
  isTemporalThere(): Promise<boolean>;
  /** False if the process was busy or got no processor since it was asked last. */
  wasAtRest(): boolean;
  /** Whether local activities of such workflows run: their tasks are in use as long as these take. */
  isWaitingFor(workflowType: string): boolean;
  /** Called once. */
  onLost(error: SluiceError): void;
}

export class SlotWatch {
  private state: string | undefined;
  private isLost = false;
  private isLooking = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: SlotWatchOptions) {}

  start(everyMs = LOOK_EVERY_MS): void {
    this.timer = setInterval(() => void this.look(), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Why the worker takes no workflow tasks; undefined if it does. */
  problem(): string | undefined {
    return this.state;
  }

  async look(): Promise<void> {
    const { slots, taskQueue, metrics } = this.options;
    metrics.set('sluice_worker_workflow_slots_free', { task_queue: taskQueue }, slots.slots - slots.all().length);
    const wasAtRest = this.options.wasAtRest();
    if (this.isLost || this.isLooking) return;
    this.isLooking = true;
    try {
      await this.count(wasAtRest);
    } finally {
      this.isLooking = false;
    }
    this.judge();
  }

  /** Only a look at which Temporal answered is held against a slot, so that an outage adds nothing. */
  private async count(wasAtRest: boolean): Promise<void> {
    const { slots } = this.options;
    const isOld = slots.all().some(({ looks }) => looks >= BUSY_LOOKS);
    const isThere = isOld && (await this.options.isTemporalThere());
    slots.look(({ workflowType, overtakenBy }) => {
      if (!isThere || this.options.isWaitingFor(workflowType)) return 0;
      return wasAtRest || overtakenBy >= OVERTAKEN ? AT_REST : BUSY;
    });
  }

  private judge(): void {
    const { slots, taskQueue } = this.options;
    const all = slots.all();
    const areAllHeld = (least: number, held: 'looks' | 'suspicion'): boolean =>
      all.length > 0 && slots.takesNoOthers() && all.every((use) => use[held] >= least);
    const busy = `all ${slots.slots} slots for workflow tasks are in use, and none is released`;
    this.state = areAllHeld(BUSY_LOOKS, 'looks') ? busy : undefined;
    const ours = all.find(({ workflowType, suspicion }) => suspicion >= LOST && workflowType in WORKFLOW_TYPES);
    const lost = areAllHeld(LOST, 'suspicion')
      ? busy
      : ours && `a task of a workflow of type ${ours.workflowType} was not completed`;
    if (lost === undefined) return;
    this.isLost = true;
    this.state = lost;
    this.options.onLost(
      new SluiceError('WORKER_STUCK', {
        message: `the worker of task queue "${taskQueue}" has lost slots for workflow tasks: ${lost}`,
        fix: 'Restart it; if that repeats, raise SLUICE_MAX_CACHED_WORKFLOWS (in a worker of your own maxCachedWorkflows)',
        context: { taskQueue },
      }),
    );
  }
}
