/** Holds one EventBus so that any sensor or event source applied later finds it. */
import { condition, continueAsNew, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { describeEventBus } from './event-bus-details';
import { configureEventBusUpdate, eventBusDefinitionQuery, type EventBusDefinition } from './messages';
import { requireDefinition } from './told-by-workers';

export async function eventBus(definition: EventBusDefinition): Promise<void> {
  let current = definition;
  setHandler(eventBusDefinitionQuery, () => current, { description: 'The EventBus as it is applied' });
  const show = (): void => setCurrentDetails(describeEventBus(current, workflowInfo().namespace));
  setHandler(
    configureEventBusUpdate,
    (next) => {
      current = next;
      show();
    },
    { description: 'Sent by `sluice apply`', validator: (next) => requireDefinition(next, current) },
  );
  show();
  await condition(() => workflowInfo().continueAsNewSuggested);
  await continueAsNew<typeof eventBus>(current);
}
