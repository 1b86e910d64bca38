/**
 * Notices that a worker has lost slots for workflow tasks: it looks healthy, and some or all of its workflows stand
 * still until it is restarted. See `WorkflowSlots` for the cause.
 */
import { WORKFLOW_TYPES } from '../contract/identity';
import { SluiceError } from '../errors/sluice-error';
import type { Metrics } from '../metrics/metrics';
import type { WorkflowSlots } from './workflow-slots';

const LOOK_EVERY_MS = 5_000;
/** All slots in use, and none released: longer than any workflow task with its local activities. */
const ALL_HELD_LOOKS = 12;
/** One slot in use for a workflow of Sluice: six times its longest local activity. */
const ONE_HELD_LOOKS = 24;
/** All slots in use, and none released: new tasks wait. */
const BUSY_LOOKS = 2;

export interface SlotWatchOptions {
  readonly slots: WorkflowSlots;
  readonly taskQueue: string;
  readonly metrics: Metrics;
  /** False while Temporal does not answer: tasks cannot be completed then. */
  isTemporalThere(): Promise<boolean>;
  /** Called once. */
  onLost(error: SluiceError): void;
}

export class SlotWatch {
  private state: string | undefined;
  private isLost = false;
  private isAsking = false;
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
    const { all, longest } = slots.look((workflowType) => workflowType in WORKFLOW_TYPES);
    metrics.set('sluice_worker_workflow_slots_free', { task_queue: taskQueue }, slots.slots - all.length);
    if (this.isLost) return;
    const leastLooks = all.length < slots.slots ? 0 : Math.min(...all);
    this.state =
      leastLooks < BUSY_LOOKS
        ? undefined
        : `all ${slots.slots} slots for workflow tasks are in use, and none is released`;
    const lost =
      leastLooks >= ALL_HELD_LOOKS
        ? this.state
        : longest !== undefined && longest.looks >= ONE_HELD_LOOKS
          ? `a task of a workflow of type ${longest.workflowType} was not completed`
          : undefined;
    if (lost === undefined || this.isAsking) return;
    this.isAsking = true;
    this.isLost = await this.options.isTemporalThere().finally(() => (this.isAsking = false));
    if (!this.isLost) return;
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
