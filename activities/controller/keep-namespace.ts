/** The activity of the workflow `controller`: runs for as long as a worker is the controller of its namespace. */
import { CancelledFailure, Context } from '@temporalio/activity';
import type { ControllerActivities } from '../../src/contract/activities';
import { ALL_NAMESPACES } from '../../src/contract/identity';
import type { TaskQueues } from '../../src/control/applied-kinds';
import { loggedEnvironment } from '../../src/control/process-environment';
import { withTemporal } from '../../src/control/temporal-session';
import type { ServiceSelector } from '../../src/controller/event-source-service';
import { KeptNamespace } from '../../src/controller/kept-namespace';
import { describeError } from '../../src/errors/sluice-error';
import { createExpressionSyntax } from '../../src/expressions';
import { createManifestChecker } from '../../src/validation/manifest-checker';
import { createKubernetesAccess, type KubernetesAccessOptions } from '../../src/kubernetes/access';
import { toPatientFailure } from '../worker/failures';
import { notConnected, startHeartbeat } from '../worker/heartbeat';
import type { PluginActivities, WorkerDependencies } from '../worker/worker-dependencies';

/** Belongs to the worker, not to the workflow: the next worker may have other settings. */
export interface ControllerOptions {
  /** May contain `ALL_NAMESPACES`. */
  readonly namespaces: readonly string[];
  /** Value of the label `sluice.io/class` that objects must have; default: all objects. */
  readonly objectClass?: string;
  /** Of the pods to which Services of EventSources lead; default: no Service is made. */
  readonly serviceSelector?: ServiceSelector;
  /** Where new workflows run. */
  readonly taskQueues: TaskQueues;
  /** Not restricted as sensors are: no manifest chooses its requests. */
  readonly kubernetes?: KubernetesAccessOptions;
}

/** A right or a definition may be missing that an operator adds. */
const RETRY_AFTER_MS = 10_000;
const GAUGES = ['sluice_controller_connected', 'sluice_objects', 'sluice_objects_not_applied'] as const;

export function createControllerActivities(
  { engine, log, longActivities, metrics }: WorkerDependencies,
  { namespaces, objectClass, serviceSelector, taskQueues, kubernetes }: ControllerOptions,
): PluginActivities {
  const access = createKubernetesAccess(kubernetes);
  const checker = createManifestChecker(createExpressionSyntax(engine));
  const keep = async (namespace: string): Promise<void> => {
    if (!namespaces.includes(namespace)) return;
    const context = Context.current();
    const signal = context.cancellationSignal;
    const heartbeat = startHeartbeat(notConnected());
    const environment = loggedEnvironment((text) => log.warn(text));
    try {
      const cluster = await access.open();
      await withTemporal({}, environment, async (session) => {
        const kept = new KeptNamespace({
          ...(namespace !== ALL_NAMESPACES && { namespace }),
          ...{ cluster, session, environment, taskQueues, log: log.child({ namespace }) },
          check: checker.check,
          ...(objectClass !== undefined && { objectClass }),
          ...(serviceSelector !== undefined && { serviceSelector }),
        });
        heartbeat.report(() => {
          const { state } = kept;
          metrics.set('sluice_controller_connected', { namespace }, state.connected ? 1 : 0);
          metrics.set('sluice_objects', { namespace }, state.objects);
          metrics.set('sluice_objects_not_applied', { namespace }, state.notApplied);
          return state;
        });
        await kept.run(signal);
      });
    } catch (error) {
      if (error instanceof CancelledFailure) throw error;
      if (!signal.aborted) {
        log.error({ namespace }, `the objects of the namespace cannot be followed: ${describeError(error)}`);
        throw toPatientFailure(error, RETRY_AFTER_MS);
      }
    } finally {
      heartbeat.stop();
      for (const gauge of GAUGES) metrics.forget(gauge, { namespace });
    }
    await context.cancelled;
  };
  const activities: ControllerActivities = {
    sluiceKeepNamespace: longActivities.bound('sluiceKeepNamespace', ({ namespace }) => keep(namespace)),
  };
  return {
    activities,
    close: () => {
      access.close();
      return checker.close();
    },
  };
}
