/** Publishes how the fires of a run ended: each outcome once, but `argo retry` leads to another one of the same fire. */
import { isCancellation, patched, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import type { WorkflowOutcomeReport } from '../../src/contract/fires';
import type { SensorRunInput } from '../../src/contract/run-messages';
import { describeFailure } from '../../src/sandbox/run/read-failure';
import type { RunLedger } from '../../src/sandbox/run/run-ledger';
import { FOR_RUNS } from './run-activities';

const activities = proxyActivities<SensorActivities>(FOR_RUNS);
/** Histories without it come from versions that published each fire's outcome once. */
const PUBLISH_LATER_ENDS = 'publish-later-ends';

export class OutcomePublisher {
  /** Fire → the outcome that was published. */
  private readonly published = new Map<string, string>();
  private publishing: Promise<void> = Promise.resolve();

  /** `onFailure`: failing to publish changes no fire. */
  constructor(
    private readonly input: SensorRunInput,
    private readonly ledger: RunLedger,
    private readonly onFailure: (text: string, error: unknown) => void,
  ) {}

  /** Publishes the outcomes of fires at rest. Never rejects. */
  publishNew(): Promise<void> {
    const fires = this.ledger
      .statuses()
      .filter(({ id, outcome }) => outcome !== undefined && this.ledger.isAtRest(id) && this.isNew(id, outcome));
    if (fires.length === 0) return this.publishing;
    for (const { id, outcome } of fires) if (outcome !== undefined) this.published.set(id, endOf(outcome));
    const { sensor, bus, events, options } = this.input;
    const request = { sensor, bus, runId: workflowInfo().workflowId, options, events, fires };
    this.publishing = this.publishing
      .then(() => activities.sluicePublishOutcomes.executeWithOptions({ summary: 'outcomes → bus' }, [request]))
      .catch((error: unknown) => {
        if (!isCancellation(error))
          this.onFailure(`the outcome could not be published: ${describeFailure(error)}`, error);
      });
    return this.publishing;
  }

  private isNew(fireId: string, outcome: WorkflowOutcomeReport): boolean {
    const published = this.published.get(fireId);
    if (published === undefined) return true;
    return published !== endOf(outcome) && patched(PUBLISH_LATER_ENDS);
  }
}

function endOf({ phase, finishedAt = '' }: WorkflowOutcomeReport): string {
  return `${phase} ${finishedAt}`;
}
