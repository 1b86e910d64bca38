/** Holds one EventBus so that any sensor or event source applied later finds it. */
import { condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { configureEventBusUpdate, eventBusDefinitionQuery, type EventBusDefinition } from './messages';
import { requireDefinition } from './told-by-workers';

export async function eventBus(definition: EventBusDefinition): Promise<void> {
  let current = definition;
  setHandler(eventBusDefinitionQuery, () => current, { description: 'The EventBus as it is applied' });
  setHandler(configureEventBusUpdate, (next) => void (current = next), {
    description: 'Sent by `sluice apply`',
    validator: (next) => requireDefinition(next, current),
  });
  await condition(() => workflowInfo().continueAsNewSuggested);
  await continueAsNew<typeof eventBus>(current);
}
