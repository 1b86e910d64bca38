/** Fires: resolves parameters, sends the request, says what came of it. */
import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import type { TriggerSpec } from '../src/manifest/sensor';
import { createTriggers, type Triggers } from '../src/triggers/registry';
import { planRetries } from '../src/run/retry-plan';
import type { FireResult } from '../src/run/run-types';
import type { FireAttempt, FiredAlone, FireTriggersRequest } from './contracts';
import { withArgoLink } from './argo-link';
import { toApplicationFailure, toFireFailure } from './failures';
import { isLastAttempt, observeFire } from './fire-telemetry';
import { isUnwatched } from './outcome-namespaces';
import { createYamlReader } from './read-yaml';
import { loadEventKeys, loadFireEvents, resolveFire } from './resolve-fire';
import type { WorkerDependencies } from './worker-dependencies';

/** Requests of one run that are under way together: enough to keep the API server busy, few enough to be fair. */
const CONCURRENT_FIRES = 32;

export interface FireActivities {
  sluiceFireTriggers(request: FireTriggersRequest): Promise<readonly FireAttempt[]>;
  sluiceFireTrigger(request: FireTriggersRequest): Promise<FiredAlone>;
  readonly close: () => Promise<void>;
}

export function createFireActivities(dependencies: WorkerDependencies): FireActivities {
  const { secrets, kubernetes, engine, fireLoad, metrics, argoUi, log } = dependencies;
  const readYaml = createYamlReader(engine);
  const triggers: Triggers = createTriggers({ secrets, kubernetes, readYaml, log });

  /** `isLast` decides by the trigger whether a failure of this attempt is final. */
  async function fireOne(
    { sensor, runId, ...request }: FireTriggersRequest,
    index: number,
    signal: AbortSignal,
    isLast: (trigger: TriggerSpec) => boolean,
  ): Promise<FireResult> {
    const fire = request.fires[index];
    const trigger = fire === undefined ? undefined : request.triggers[fire.trigger];
    if (fire === undefined || trigger === undefined) throw new Error('a run asked for a fire that it does not have');
    const observed = {
      sensor,
      runId,
      fireId: fire.id,
      trigger: fire.trigger,
      events: loadFireEvents(fire, request.events),
      isLast: isLast(trigger),
    };
    return await observeFire(metrics, observed, async (events) => {
      const resolved = await resolveFire(
        {
          sensor,
          runId,
          fireId: fire.id,
          trigger,
          events,
          ...(fire.collected ? { eventKeys: loadEventKeys(fire, request.events) } : {}),
          ...(request.overrides && { overrides: request.overrides }),
        },
        { triggers, engine, signal },
      );
      const result = withArgoLink(await triggers.fire(resolved.template, resolved.request), argoUi);
      const isUnseen = result.kind === 'object' && (await isUnwatched(sensor, trigger, result.object, readYaml));
      return isUnseen ? { ...result, unwatched: true } : result;
    });
  }

  return {
    async sluiceFireTriggers(request) {
      const signal = Context.current().cancellationSignal;
      // One listener for each request under way is no leak.
      setMaxListeners(0, signal);
      fireLoad.begun(request.fires.map(({ id }) => id));
      const attempts: FireAttempt[] = [];
      let next = 0;
      const lane = async (): Promise<void> => {
        for (let index = next++; index < request.fires.length; index = next++) {
          const fireId = request.fires[index]?.id ?? '';
          try {
            attempts[index] = { fireId, result: await fireOne(request, index, signal, isTriedOnce) };
          } catch (error) {
            attempts[index] = { fireId, failure: toFireFailure(error) };
          }
          fireLoad.finished([fireId]);
        }
      };
      await Promise.all(Array.from({ length: Math.min(CONCURRENT_FIRES, request.fires.length) }, lane));
      return attempts;
    },

    async sluiceFireTrigger(request) {
      const { cancellationSignal, info } = Context.current();
      try {
        return {
          result: await fireOne(request, 0, cancellationSignal, (trigger) =>
            isLastAttempt(info, trigger, request.attemptsBefore),
          ),
          attempts: info.attempt,
        };
      } catch (error) {
        throw toApplicationFailure(error, info.attempt);
      }
    },

    close: () => triggers.close(),
  };
}

/** The first attempt of quick fires is made together, and is no try of Temporal's. */
function isTriedOnce({ retryStrategy }: TriggerSpec): boolean {
  return planRetries(retryStrategy).attempts === 1;
}
