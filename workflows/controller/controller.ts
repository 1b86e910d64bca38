/**
 * Keeps Temporal in step with the EventBus, EventSource and Sensor objects of one Kubernetes namespace or of all. Temporal runs one
 * attempt of its activity at a time, so it is the leader election of controllers and their fail-over.
 */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { ControllerActivities, ControllerStart } from '../../src/contract/activities';
import { ALL_NAMESPACES } from '../../src/contract/identity';
import { FAIL_OVER_MS } from '../../src/contract/fail-over';

/** Ends when the settings of workers no longer name the namespace; workers start it again if they do. */
export async function controller({ namespace }: ControllerStart): Promise<void> {
  const where = namespace === ALL_NAMESPACES ? 'all namespaces' : `namespace \`${namespace}\``;
  setCurrentDetails(
    [
      `Keeps what runs in step with the EventBus, EventSource and Sensor objects of ${where}.`,
      'Each object says in its `status` what became of it: `kubectl get sensors -o yaml`, `kubectl describe sensor`.',
    ].join('<br>'),
  );
  const { sluiceKeepNamespace } = proxyActivities<ControllerActivities>({
    summary: `the objects of ${namespace}`,
    startToCloseTimeout: '3650d',
    heartbeatTimeout: FAIL_OVER_MS,
    // Each worker that hands over counts as an attempt, so an old controller always waits the maximum interval.
    retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '3s' },
  });
  await sluiceKeepNamespace({ namespace });
}
