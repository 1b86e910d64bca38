/** The role that keeps Temporal in step with the objects of Kubernetes namespaces. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { serveAdmission } from '../src/admission/serve-admission';
import type { ControllerStart } from '../src/contract/activities';
import { ALL_NAMESPACES, controllerWorkflowId, WORKFLOW_TYPES } from '../src/contract/identity';
import { defaultNamespace } from '../src/control/applied-kinds';
import { loggedEnvironment } from '../src/control/process-environment';
import { withTemporal } from '../src/control/temporal-session';
import { describeError } from '../src/errors/sluice-error';
import { ControllerPlugin } from '../src/plugin/controller-plugin';
import type { WorkerRole } from './run-workers';
import type { WorkerSettings } from './settings';

/** A controller that was terminated comes back within this time. */
const START_EVERY_MS = 30_000;
const RETRY_AFTER_MS = 3_000;

export function createControllerRole(settings: WorkerSettings, log: Logger): WorkerRole {
  const environment = loggedEnvironment((text) => log.warn(text));
  const namespaces = settings.controllerNamespaces ?? [defaultNamespace(environment)];
  const taskQueue = settings.controllerTaskQueue;

  const startAll = (): Promise<void> =>
    withTemporal({}, environment, async ({ client }) => {
      for (const namespace of namespaces) {
        const args: [ControllerStart] = [{ namespace }];
        await client.workflow.start(WORKFLOW_TYPES.controller, {
          workflowId: controllerWorkflowId(namespace),
          taskQueue,
          args,
          staticSummary: `the objects of ${namespace === ALL_NAMESPACES ? 'all namespaces' : `namespace ${namespace}`}`,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
        });
      }
    });

  const keepStarted = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const pauseMs = await startAll().then(
        () => START_EVERY_MS,
        (error: unknown) => {
          log.warn(`the controller cannot be started yet: ${describeError(error)}`);
          return RETRY_AFTER_MS;
        },
      );
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };

  return {
    taskQueue,
    plugin: new ControllerPlugin({
      ...{ log, namespaces },
      ...(settings.controllerClass !== undefined && { objectClass: settings.controllerClass }),
      ...(Object.keys(settings.serviceSelector).length > 0 && { serviceSelector: settings.serviceSelector }),
      taskQueues: { eventSource: settings.eventSourceTaskQueue, sensor: settings.sensorTaskQueue },
    }),
    beside: async (signal) => {
      const { admissionPort: port, admissionName: name } = settings;
      await Promise.all([keepStarted(signal), ...(port === 0 ? [] : [serveAdmission({ port, name, log }, signal)])]);
    },
  };
}
