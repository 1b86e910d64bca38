/** The sign of life of a worker that is gone: the worker that records it hands over, and the workflow completes. */
import { randomBytes } from 'node:crypto';
import type { WorkerStart } from '../../src/contract/activities';
import { WORKFLOW_TYPES, workerWorkflowId } from '../../src/contract/identity';
import type { RecordedScenario } from './recorded-scenario';

export const RECORDED_WORKERS: readonly RecordedScenario[] = [
  {
    name: 'a worker',
    play: async (world, keep) => {
      const worker = `1@gone#${randomBytes(4).toString('hex')}`;
      const args: [WorkerStart] = [{ worker }];
      const handle = await world.client.workflow.start(WORKFLOW_TYPES.worker, {
        workflowId: workerWorkflowId(world.taskQueue, worker),
        taskQueue: world.taskQueue,
        args,
      });
      await keep('worker', handle);
      await handle.terminate();
    },
  },
];
