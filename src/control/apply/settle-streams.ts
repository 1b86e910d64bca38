/** Gives the stream of an applied bus the settings of its manifest, or says why it keeps others. */
import type { Bus } from '../../bus/bus';
import { describeError } from '../../errors/sluice-error';
import { concurrently } from '../../concurrency/concurrently';
import { withOpenBus } from '../explain/open-buses';
import type { ProcessEnvironment } from '../process-environment';
import { streamCondition, type Condition } from '../status/condition';
import type { TemporalSession } from '../temporal-session';
import type { AppliedRow } from './apply-manifests';

/** Runs beside the wait for sources and sensors. Workers, too, change a stream, when they connect. */
const TIMEOUT_MS = 2_000;
const AT_ONCE = 4;

/** Returns the condition of each bus among the rows, in their order; undefined for other rows. */
export async function settleStreams(
  session: TemporalSession,
  rows: readonly AppliedRow[],
  environment: ProcessEnvironment,
): Promise<ReadonlyArray<Condition | undefined>> {
  return await concurrently(rows, AT_ONCE, async ({ desired, action }) => {
    // A bus that is created has a stream only if another created it; status shows how that differs.
    if (desired.kind !== 'EventBus' || action === 'created') return undefined;
    try {
      const options = { temporalNamespace: session.namespace, readOnly: true };
      const change = async (bus: Bus) => streamCondition(await bus.streamDifferences({ change: true }));
      return await withOpenBus(desired.definition, options, environment, change, TIMEOUT_MS);
    } catch (error) {
      if (action === 'unchanged') return undefined;
      const reason = `its stream was not changed from here (${describeError(error)}); workers change it when they connect`;
      return { state: 'Ready', reason };
    }
  });
}
