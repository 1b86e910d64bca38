/** Learns how the Argo Workflows of a run ended: from the watch of its sensor, and where that misses one, by lookups. */
import { condition, isCancellation, patched, proxyActivities } from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import type { WorkflowOutcomeReport } from '../../src/contract/fires';
import { describeFailure } from '../../src/sandbox/run/read-failure';
import type { RunLedger } from '../../src/sandbox/run/run-ledger';
import { FOR_RUNS } from './run-activities';
import type { RunPage } from './run-page';

const activities = proxyActivities<SensorActivities>(FOR_RUNS);

/** A Workflow whose end the watch missed is looked up at this interval. */
const LOOKUP_INTERVAL_MS = 3_600_000;
/** A Workflow that the watch does not see is looked up after a quarter of the time that the run has waited for it. */
const FIRST_LOOKUP_MS = 2_000;
/** Histories without it come from versions that waited for the next hour. */
const LOOK_AT_ONCE = 'look-at-once';

export class OutcomeLookups {
  private readonly unwatched = new Set<string>();
  private following = false;

  constructor(
    private readonly ledger: RunLedger,
    private readonly page: RunPage,
  ) {}

  take(reports: readonly WorkflowOutcomeReport[]): void {
    for (const report of reports) this.ledger.ended(report);
    this.page.show();
  }

  /** The watch has listed everything: a Workflow missing from its list has vanished, or was never in its scope. */
  async lookUpOthers(listed: readonly string[]): Promise<void> {
    const found = new Set(listed);
    await this.lookUp((id) => !found.has(id));
  }

  /** For Workflows that the watch does not see, or reports to the other run that created them. */
  followClosely(fireId: string): void {
    if (!patched(LOOK_AT_ONCE)) return;
    this.unwatched.add(fireId);
    if (this.following) return;
    this.following = true;
    this.follow().catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  }

  /** Resolves when no fire waits for an outcome or for an operator. */
  async settled(): Promise<void> {
    const isSettled = (): boolean => this.ledger.isSettled();
    while (!(await condition(isSettled, LOOKUP_INTERVAL_MS, { summary: 'next look at outcomes' }))) {
      await this.lookUp(() => true);
    }
  }

  private async follow(): Promise<void> {
    const isOver = (): boolean => !this.ledger.waiting().some(({ id }) => this.unwatched.has(id));
    const since = Date.now();
    while (!isOver()) {
      await this.lookUp((id) => this.unwatched.has(id));
      const pauseMs = Math.min(LOOKUP_INTERVAL_MS, Math.max(FIRST_LOOKUP_MS, (Date.now() - since) / 4));
      await condition(isOver, pauseMs, { summary: 'next look at Workflows that the watch does not see' });
    }
    this.following = false;
  }

  /** Queries the cluster for the Workflows that these fires wait for. */
  private async lookUp(isWanted: (fireId: string) => boolean): Promise<void> {
    const waiting = this.ledger.waiting().filter(({ id }) => isWanted(id));
    if (waiting.length === 0) return;
    try {
      const summary = `how ${waiting.length} Argo ${waiting.length === 1 ? 'Workflow' : 'Workflows'} ended`;
      this.take(await activities.sluiceReadOutcomes.executeWithOptions({ summary }, [waiting]));
    } catch (error) {
      this.page.addFailure(`outcomes cannot be looked up: ${describeFailure(error)}`, error);
    }
  }
}
