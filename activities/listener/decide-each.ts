/** Decides a batch of events. One that cannot be decided does not delay the others. */
import { describeError, isSluiceError } from '../../src/errors/sluice-error';
import type { ExpressionEngine } from '../../src/expressions/engine';
import type { SensorPlan } from '../../src/sandbox/sensor/sensor-plan';
import type { ObjectName } from '../../src/contract/definitions';
import { decideFires, describeIncoming, type EventDecision, type IncomingEvent } from './decide-fires';

export type Decided =
  | { readonly kind: 'decided'; readonly decision: EventDecision }
  /** Worth a retry. `isOutage`: no event can be decided now. */
  | { readonly kind: 'undecided'; readonly isOutage: boolean; readonly error: unknown };

/** Failures of the engine may be transient; one that repeats this often while other events are decided is not. */
const MAX_ATTEMPTS = 5;

/** Returns the decisions in the order of the events. */
export async function decideEach(
  sensor: ObjectName,
  plan: SensorPlan,
  incoming: ReadonlyArray<IncomingEvent & { readonly deliveryCount: number }>,
  engine: ExpressionEngine,
): Promise<Decided[]> {
  try {
    const decisions = await decideFires(sensor, plan, incoming, engine);
    return decisions.map((decision) => ({ kind: 'decided', decision }));
  } catch (error) {
    const [only, ...others] = incoming;
    if (only === undefined) return [];
    if (others.length === 0) return [judge(sensor, only, error)];
    const decided: Decided[] = [];
    for (const item of incoming) decided.push(...(await decideEach(sensor, plan, [item], engine)));
    return decided;
  }
}

function judge(
  sensor: ObjectName,
  incoming: IncomingEvent & { readonly deliveryCount: number },
  error: unknown,
): Decided {
  if (isSluiceError(error) && error.code === 'EXPRESSION_ENGINE_MISSING') {
    return { kind: 'undecided', isOutage: true, error };
  }
  const isFinal = isSluiceError(error) && !error.retryable;
  if (!isFinal && incoming.deliveryCount < MAX_ATTEMPTS) return { kind: 'undecided', isOutage: false, error };
  const record = {
    ...describeIncoming(sensor, incoming, Date.now()),
    decision: 'failed' as const,
    code: isSluiceError(error) ? error.code : ('EXPRESSION_FAILED' as const),
    reason: describeError(error),
  };
  return { kind: 'decided', decision: { incoming, fires: [], observations: [], records: [record] } };
}
