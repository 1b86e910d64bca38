/**
 * Moves contents that a sensor holds to its bus, starts the runs that need them, and deletes contents that are no
 * longer held. All of it is durable and runs beside the sensor's other work: an unavailable bus delays only the fires
 * whose events are stored on it.
 */
import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import { cutByBytes } from '../../src/text/cut-by-bytes';
import { REPEATABLE } from '../lifecycle/activity-options';
import type { JoinedRun } from '../../src/contract/run-start';
import { patiently } from '../lifecycle/patiently';
import type { SensorMemory } from '../../src/sandbox/sensor/sensor-memory';

const activities = proxyActivities<SensorActivities>({ ...REPEATABLE, retry: { maximumInterval: '10s' } });

const MAX_START_BYTES = 400_000;
const MAX_FORGET_AT_ONCE = 500;
/** Fewer stay until there are more, or until nothing is held: each access to the bus is in the sensor's history. */
const WORTH_FORGETTING = 100;

export class HeldContentMover {
  private readonly waiting: JoinedRun[] = [];
  private working: Promise<void> | undefined;

  constructor(private readonly memory: SensorMemory) {}

  /** Starts runs whose contents are on the bus, without waiting for it. */
  start(runs: readonly JoinedRun[]): void {
    this.waiting.push(...runs);
    this.workOff();
  }

  /** Starts the pending work, if there is enough of it. */
  workOff(): void {
    if (this.working !== undefined || (this.waiting.length === 0 && this.worthForgetting().length === 0)) return;
    // A deleted sensor still starts the runs that it decided.
    this.working = CancellationScope.nonCancellable(() => this.workOffAll()).finally(() => {
      this.working = undefined;
      this.workOff();
    });
  }

  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  /** Moves enough to the bus that the sensor can be carried over continue-as-new. */
  async makeRoom(): Promise<void> {
    for (let portions = this.memory.contentsToMove(); portions.length > 0; portions = this.memory.contentsToMove()) {
      for (const contents of portions) {
        const { bus, namespace, name } = this.memory.definition;
        await patiently(`held events → bus: ${contents.length}`, (options) =>
          activities.sluiceStoreContents.executeWithOptions(options, [{ sensor: { namespace, name }, bus, contents }]),
        );
        this.memory.contentsMoved(contents);
      }
    }
  }

  private async workOffAll(): Promise<void> {
    for (;;) {
      const [runs] = cutByBytes(this.waiting, MAX_START_BYTES);
      if (runs !== undefined) {
        await this.startRuns(runs);
        this.waiting.splice(0, runs.length);
        this.memory.runsStarted(runs);
        continue;
      }
      const names = this.worthForgetting().slice(0, MAX_FORGET_AT_ONCE);
      if (names.length === 0) return;
      await this.forget(names);
      this.memory.contentsForgotten(names);
    }
  }

  private async startRuns(runs: readonly JoinedRun[]): Promise<void> {
    const { bus } = this.memory.definition;
    await patiently(`held events ← bus, for runs: ${runs.length}`, (options) =>
      activities.sluiceStartHeldRuns.executeWithOptions(options, [{ bus, runs }]),
    );
  }

  private async forget(names: readonly string[]): Promise<void> {
    const { bus, namespace, name } = this.memory.definition;
    await patiently(`no longer held, off the bus: ${names.length}`, (options) =>
      activities.sluiceForgetContents.executeWithOptions(options, [{ sensor: { namespace, name }, bus, names }]),
    );
  }

  private worthForgetting(): string[] {
    const names = this.memory.unneededContents();
    return names.length >= WORTH_FORGETTING || names.length === this.memory.contentsOnBus() ? names : [];
  }
}
