/** Merges the backlogs of a sensor's two consumers. Pure. */
import type { SensorBacklog, SensorPosition } from './bus';

/** `former`: of the stream whose events precede those of the other. */
export function mergeBacklogs(former: SensorBacklog, current: SensorBacklog): SensorBacklog {
  const oldest = [former.oldestAt, current.oldestAt].flatMap((at) => at ?? []);
  return {
    waiting: former.waiting + current.waiting,
    inHand: former.inHand + current.inHand,
    handledTo: former.waiting > 0 ? former.handledTo : current.handledTo,
    ...(oldest.length > 0 && { oldestAt: Math.min(...oldest) }),
    maxAgeMs: current.maxAgeMs,
    expired: [...former.expired, ...current.expired],
    history: [...former.history, ...current.history],
  };
}

export function mergePositions(former: SensorPosition, current: SensorPosition): SensorPosition {
  if (former.waiting === 0) return current;
  return { ...former, waiting: former.waiting + current.waiting };
}
