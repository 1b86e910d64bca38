/** Carries out what a sensor decided, in the order of the decisions: starts runs and records the reasons. */
import { isCancellation, log, patched, proxyActivities } from '@temporalio/workflow';
import type { RecordDecisionsRequest, SensorActivities } from '../../src/contract/activities';
import type { SensorEffects } from '../../src/sandbox/sensor/sensor-effects';
import { cutByBytes } from '../../src/text/cut-by-bytes';
import type { HeldContentMover } from './held-content-mover';
import { RunStarts, startChildren } from './run-starts';

const activities = proxyActivities<SensorActivities>({ startToCloseTimeout: '10s', scheduleToCloseTimeout: '1m' });
/** Limit of one activity's input. */
const MAX_RECORDS_BYTES = 1_000_000;
/** Runs of histories without it were children. */
const NO_CHILDREN = 'runs-are-no-children';

export class SensorOutbox {
  private readonly decided: SensorEffects[] = [];
  private readonly starts = new RunStarts();

  constructor(private readonly contents: HeldContentMover) {}

  post(effects: SensorEffects): void {
    if (effects.runs.length + effects.records.length > 0) this.decided.push(effects);
  }

  isEmpty(): boolean {
    return this.decided.length === 0;
  }

  /** Decisions made meanwhile are sent together: each round costs the server several workflow tasks. */
  async send(): Promise<void> {
    while (this.decided.length > 0) {
      const effects = this.decided.splice(0);
      const decided = effects.flatMap(({ runs }) => runs);
      this.contents.start(decided.filter(({ stored }) => stored !== undefined));
      const complete = decided.filter(({ stored }) => stored === undefined);
      if (complete.length > 0 && patched(NO_CHILDREN)) this.starts.add(complete);
      else if (complete.length > 0) await startChildren(complete);
      const bus = effects.at(-1)?.bus;
      const all = effects.flatMap(({ records }) => records);
      if (bus !== undefined) {
        for (const records of cutByBytes(all, MAX_RECORDS_BYTES)) await record({ bus, records });
      }
    }
  }

  /** Sends everything, and resolves when all of its runs are started. */
  async drain(): Promise<void> {
    await this.send();
    await this.contents.idle();
    await this.starts.idle();
  }
}

/**
 * Records are for operators to look up; an unavailable bus must not stop the sensor's work, let alone end it.
 *
 * Not a local activity: if a query arrives during one, the SDK (1.24) delivers its result to the workflow later than in
 * a replay of the same history, so that a sensor that receives a signal in between can never be replayed.
 */
async function record(request: RecordDecisionsRequest): Promise<void> {
  const { length } = request.records;
  try {
    await activities.sluiceRecordDecisions.executeWithOptions({ summary: `decisions → bus: ${length}` }, [request]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn(`${length} decisions were not recorded`, { error });
  }
}
