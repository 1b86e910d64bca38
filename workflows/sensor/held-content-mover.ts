/**
 * What a sensor does on its bus with what it holds: moves contents there, starts the runs that need them, and deletes
 * what nothing holds any more. All of it durably, and beside the sensor's other work: a bus that is away delays the
 * fires whose events lie on it, no others.
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
/** Fewer stay until there are more, or until nothing is held: each look at the bus is in the sensor's history. */
const WORTH_FORGETTING = 100;

export class HeldContentMover {
  private readonly waiting: JoinedRun[] = [];
  private working: Promise<void> | undefined;

  constructor(private readonly memory: SensorMemory) {}

  /** Starts runs whose contents lie on the bus, without waiting for it. */
  start(runs: readonly JoinedRun[]): void {
    this.waiting.push(...runs);
    this.workOff();
  }

  /** Takes up what there is to do, if it is worth it. */
  workOff(): void {
    if (this.working !== undefined || (this.waiting.length === 0 && this.worthForgetting().length === 0)) return;
    // A sensor that is deleted still starts what it decided.
    this.working = CancellationScope.nonCancellable(() => this.workOffAll()).finally(() => {
      this.working = undefined;
      this.workOff();
    });
  }

  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  /** Moves so much to the bus that the sensor can be carried over continue-as-new. */
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
