/** Holds one EventBus so that any sensor or event source applied later finds it. */
import { condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import type { EventBusDefinition } from '../../src/contract/definitions';
import { configureEventBusUpdate, eventBusDefinitionQuery } from '../../src/contract/event-bus-messages';
import { ControlState } from '../../src/sandbox/lifecycle/control-state';
import { OperatorControls } from '../lifecycle/operator-controls';
import { requireDefinition } from '../lifecycle/signal-guards';
import { describeEventBus } from './event-bus-details';

export async function eventBus(definition: EventBusDefinition): Promise<void> {
  let current = definition;
  const state = new ControlState();
  const controls = new OperatorControls(state, () =>
    describeEventBus(current, state.status(), workflowInfo().namespace),
  );
  setHandler(eventBusDefinitionQuery, () => current, { description: 'The EventBus as it is applied' });
  setHandler(
    configureEventBusUpdate,
    (next) => {
      current = next;
      controls.show();
    },
    { description: 'Sent by `sluice apply`', validator: (next) => requireDefinition(next, current) },
  );
  controls.handleDelete('Ends it; sensors and event sources keep their copy of it');
  controls.show();
  await controls.lifetime.untilDeleted(async () => {
    await condition(() => workflowInfo().continueAsNewSuggested);
    await controls.lifetime.requireAlive();
    await continueAsNew<typeof eventBus>(current);
  });
}
