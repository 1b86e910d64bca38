/** The activities that fire: many fires of a run together, or a single fire. */
import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import type { FiredAlone, FireTriggersRequest } from '../../src/contract/activities';
import type { FireAttempt } from '../../src/contract/fires';
import { toApplicationFailure } from '../worker/failures';
import type { FireLoad } from '../worker/fire-load';
import { isLastAttempt } from './fire-telemetry';
import { CONCURRENT_FIRES, type Firing } from './firing';
import { concurrentlyAll } from '../../src/concurrency/concurrently';

export interface FireActivities {
  sluiceFireTriggers(request: FireTriggersRequest): Promise<readonly FireAttempt[]>;
  sluiceFireTrigger(request: FireTriggersRequest): Promise<FiredAlone>;
}

export function createFireActivities(firing: Firing, fireLoad: FireLoad): FireActivities {
  return {
    async sluiceFireTriggers(request) {
      const { cancellationSignal: signal, info } = Context.current();
      // One listener per in-flight request is expected, not a leak.
      setMaxListeners(0, signal);
      const fireIds = request.fires.map(({ id }) => id);
      // Only quick fires are local: the others wait for targets that may be slow.
      if (info.isLocal) fireLoad.begun(request.sensor, fireIds);
      else fireLoad.calling(request.sensor, fireIds);
      const attempts: FireAttempt[] = [];
      await concurrentlyAll([...request.fires.entries()], CONCURRENT_FIRES, async ([index, { id }]) => {
        attempts[index] = await firing.attempt(request, index, signal);
        fireLoad.finished([id]);
      });
      return attempts;
    },

    async sluiceFireTrigger(request) {
      const { cancellationSignal, info } = Context.current();
      const fireIds = request.fires.map(({ id }) => id);
      fireLoad.calling(request.sensor, fireIds);
      try {
        return {
          result: await firing.fire(request, 0, cancellationSignal, (trigger) =>
            isLastAttempt(info, trigger, request.attemptsBefore),
          ),
          attempts: info.attempt,
        };
      } catch (error) {
        throw toApplicationFailure(error, info.attempt);
      } finally {
        fireLoad.finished(fireIds);
      }
    },
  };
}
