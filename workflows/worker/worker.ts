/**
 * One worker process, for as long as it lives: its single activity is the worker's sign of life for everything that it
 * reads and listens to. When the sign stops, Temporal gives the activity to another worker, which hands that over.
 */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { WorkerActivities, WorkerStart } from '../../src/contract/activities';
import { LEASE_MS } from '../../src/contract/fail-over';

const { sluiceHoldLease } = proxyActivities<WorkerActivities>({
  startToCloseTimeout: '3650d',
  heartbeatTimeout: LEASE_MS,
  // An attempt that reaches another worker is given back at once.
  retry: { initialInterval: '20ms', backoffCoefficient: 1.5, maximumInterval: '2s' },
});

export async function worker({ worker: identity }: WorkerStart): Promise<void> {
  setCurrentDetails(
    `Sign of life of worker \`${identity}\`. If it stops, another worker takes over its readers and listeners.`,
  );
  await sluiceHoldLease.executeWithOptions({ summary: `sign of life of ${identity}` }, [{ worker: identity }]);
}
