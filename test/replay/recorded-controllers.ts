/** A controller of a namespace: one activity, which the worker that records it does not have and so is left pending. */
import { randomBytes } from 'node:crypto';
import type { ControllerStart } from '../../src/contract/activities';
import { controllerWorkflowId, WORKFLOW_TYPES } from '../../src/contract/identity';
import type { RecordedScenario } from './recorded-scenario';

export const RECORDED_CONTROLLERS: readonly RecordedScenario[] = [
  {
    name: 'a controller',
    play: async (world, keep) => {
      const namespace = `ns-${randomBytes(4).toString('hex')}`;
      const args: [ControllerStart] = [{ namespace }];
      const handle = await world.client.workflow.start(WORKFLOW_TYPES.controller, {
        workflowId: controllerWorkflowId(namespace),
        taskQueue: world.taskQueue,
        args,
      });
      await keep('controller', handle);
      await handle.terminate();
    },
  },
];
