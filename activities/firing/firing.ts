/** One attempt to fire: resolves parameters, sends the request, returns its result. Shared by runs and listeners. */
import type { TriggerSpec } from '../../src/manifest/sensor';
import { planRetries } from '../../src/sandbox/run/retry-plan';
import type { FireAttempt, FireResult } from '../../src/contract/fires';
import { createTriggers, type Triggers } from '../../src/triggers/registry';
import { withArgoLink } from './argo-link';
import type { FireTriggersRequest } from '../../src/contract/activities';
import { toFireFailure } from '../worker/failures';
import { observeFire } from './fire-telemetry';
import { isUnwatched } from '../outcomes/outcome-namespaces';
import { createYamlReader } from '../worker/read-yaml';
import { resolveFire } from './resolve-fire';
import { accountOf, namingField } from './trigger-account';
import { takeFire } from './unresolved-fire';
import type { WorkerDependencies } from '../worker/worker-dependencies';

/** Requests in flight at a time: enough to keep the API server busy, few enough to be fair. */
export const CONCURRENT_FIRES = 32;

export interface Firing {
  /** `isLast` is called after a failed attempt and returns whether this failure is the trigger's last. */
  fire(
    request: FireTriggersRequest,
    index: number,
    signal: AbortSignal,
    isLast: (trigger: TriggerSpec) => boolean,
  ): Promise<FireResult>;
  /**
   * Makes a first attempt, which is not counted as a Temporal retry. Never rejects. `isLast`: default by the trigger.
   */
  attempt(
    request: FireTriggersRequest,
    index: number,
    signal: AbortSignal,
    isLast?: (trigger: TriggerSpec) => boolean,
  ): Promise<FireAttempt>;
  close(): Promise<void>;
}

export function createFiring(dependencies: WorkerDependencies): Firing {
  const { secrets, kubernetes, engine, metrics, argoUi, triggerIdentity, log } = dependencies;
  const readYaml = createYamlReader(engine);
  const triggers: Triggers = createTriggers({ secrets, kubernetes, readYaml, log });

  const fireOne: Firing['fire'] = async (request, index, signal, isLast) => {
    const fire = takeFire(request, index);
    const { sensor, trigger } = fire;
    return await observeFire(metrics, fire, isLast, async (events) => {
      const account = accountOf(sensor, trigger, triggerIdentity);
      const context = { triggers, engine, signal, ...(account && { account }) };
      const result = await resolveFire({ ...fire, events }, context)
        .then((resolved) => triggers.fire(resolved))
        .then((done) => withArgoLink(done, argoUi))
        .catch((error: unknown) => {
          throw namingField(error, sensor);
        });
      const isUnseen = result.kind === 'object' && (await isUnwatched(sensor, trigger, result.object, readYaml));
      return isUnseen ? { ...result, unwatched: true } : result;
    });
  };

  return {
    fire: fireOne,
    attempt: async (request, index, signal, isLast = isTriedOnce) => {
      const fireId = request.fires[index]?.id ?? '';
      try {
        return { fireId, result: await fireOne(request, index, signal, isLast) };
      } catch (error) {
        return { fireId, failure: toFireFailure(error) };
      }
    },
    close: () => triggers.close(),
  };
}

export function isTriedOnce({ retryStrategy }: TriggerSpec): boolean {
  return planRetries(retryStrategy).attempts === 1;
}
