/**
 * Reports the sensor's share of each concurrency group whenever it changes. Durable, and beside the sensor's other work:
 * fires that need no place do not wait for a group.
 */
import { CancellationScope, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import type { GroupShare } from '../../src/contract/group-messages';
import type { SensorMemory } from '../../src/sandbox/sensor/sensor-memory';
import { summaryLine } from '../../src/text/summary-line';
import { REPEATABLE } from '../lifecycle/activity-options';
import { patiently } from '../lifecycle/patiently';

const activities = proxyActivities<SensorActivities>({ ...REPEATABLE, retry: { maximumInterval: '10s' } });

export class ShareReports {
  private working: Promise<void> | undefined;

  constructor(private readonly memory: SensorMemory) {}

  /** Sorts by time: a sensor of the same name that was deleted before has an earlier one. */
  get epoch(): string {
    return `${this.memory.appliedAt} ${workflowInfo().firstExecutionRunId}`;
  }

  isDue(): boolean {
    return this.working === undefined && this.memory.hasShares();
  }

  /** Starts the pending reports. Changes meanwhile are reported together. */
  workOff(): void {
    if (!this.isDue()) return;
    this.working = CancellationScope.nonCancellable(() => this.reportAll()).finally(() => (this.working = undefined));
  }

  /** Resolves when the groups know everything. */
  async drain(): Promise<void> {
    for (this.workOff(); this.working !== undefined; this.workOff()) await this.working;
  }

  /** Of a sensor that is deleted. */
  async leave(): Promise<void> {
    await this.drain();
    await this.send(this.memory.lastShares());
  }

  private async reportAll(): Promise<void> {
    while (this.memory.hasShares()) await this.send(this.memory.takeShares());
  }

  private async send(shares: readonly GroupShare[]): Promise<void> {
    if (shares.length === 0) return;
    const { namespace, name: sensor } = this.memory.definition;
    const { epoch } = this;
    const request = { namespace, shares: shares.map((share) => ({ ...share, sensor, epoch })) };
    await patiently(summaryLine(shares.map(describeShare).join('; ')), (options) =>
      activities.sluiceReportShares.executeWithOptions(options, [request]),
    );
  }
}

function describeShare({ group, waiting, holding, ended, limit }: GroupShare): string {
  if (ended ?? limit === undefined) return `leaves group ${group}`;
  return `group ${group}: ${Object.keys(holding).length} in flight, ${waiting} waiting`;
}
