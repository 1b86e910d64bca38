/** Event buses: applied, and applied again with another spec. */
import { randomBytes } from 'node:crypto';
import { eventBusWorkflowId } from '../../src/contract/identity';
import type { EventBusDefinition } from '../../src/contract/definitions';
import { configureEventBusUpdate, eventBusDefinitionQuery } from '../../src/contract/event-bus-messages';
import { untilContinued, type RecordedScenario } from './recorded-scenario';

const SCENARIO: RecordedScenario = {
  name: 'an event bus that was applied twice',
  play: async (world, keep) => {
    const { handle, configure } = await applyBus(world);
    await configure(2);
    await keep('bus', handle);
    await handle.terminate();
  },
};

const CONTINUED: RecordedScenario = {
  name: SCENARIO.name,
  play: async (world, keep) => {
    const { handle, configure } = await applyBus(world);
    const first = world.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    let replicas = 1;
    await untilContinued(handle, () => configure((replicas += 1)));
    const { spec } = await handle.query(eventBusDefinitionQuery);
    expect(spec).toMatchObject({ jetstreamExotic: { streamConfig: `replicas: ${replicas}` } });
    await keep('bus-first', first);
    await configure(1);
    await keep('bus-last', world.client.workflow.getHandle(handle.workflowId));
    await world.client.workflow.getHandle(handle.workflowId).terminate();
  },
};

export const RECORDED_EVENT_BUSES: readonly RecordedScenario[] = [SCENARIO];
export const CONTINUED_EVENT_BUSES: readonly RecordedScenario[] = [CONTINUED];

async function applyBus(world: Parameters<RecordedScenario['play']>[0]) {
  const namespace = `ns-${randomBytes(4).toString('hex')}`;
  const define = (replicas: number): EventBusDefinition => ({
    namespace,
    name: 'default',
    spec: { jetstreamExotic: { url: 'nats://nats:4222', streamConfig: `replicas: ${replicas}` } },
  });
  const args: [EventBusDefinition] = [define(1)];
  const handle = await world.client.workflow.start('eventBus', {
    workflowId: eventBusWorkflowId(namespace, 'default'),
    taskQueue: world.taskQueue,
    args,
  });
  const latest = world.client.workflow.getHandle(handle.workflowId);
  const configure = (replicas: number): Promise<void> =>
    latest.executeUpdate(configureEventBusUpdate, { args: [define(replicas)] });
  return { handle, configure };
}
