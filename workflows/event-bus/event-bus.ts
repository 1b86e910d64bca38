/** Holds one EventBus so that any sensor or event source applied later finds it. */
import { condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import type { EventBusDefinition } from '../../src/contract/definitions';
import {
  configureEventBusUpdate,
  eventBusDefinitionQuery,
  eventBusStatusQuery,
  type EventBusStart,
} from '../../src/contract/event-bus-messages';
import type { ApplyRequest, ControlStatus } from '../../src/contract/lifecycle-messages';
import { ControlState } from '../../src/sandbox/lifecycle/control-state';
import { OperatorControls } from '../lifecycle/operator-controls';
import { requireDefinition } from '../lifecycle/signal-guards';
import { describeEventBus } from './event-bus-details';

export interface EventBusInput extends EventBusStart {
  /** Carried over by continue-as-new. */
  readonly carried?: ControlStatus;
}

export async function eventBus(
  definition: EventBusDefinition,
  { request, carried }: EventBusInput = {},
): Promise<void> {
  let current = definition;
  const state = new ControlState(carried);
  if (carried === undefined) state.apply(request, workflowInfo().startTime.getTime());
  const controls = new OperatorControls(state, () =>
    describeEventBus(current, state.status(), workflowInfo().namespace),
  );
  setHandler(eventBusDefinitionQuery, () => current, { description: 'The EventBus as it is applied' });
  setHandler(
    configureEventBusUpdate,
    (next: EventBusDefinition, by?: ApplyRequest) => {
      current = next;
      state.apply(by, Date.now());
      controls.show();
    },
    {
      description: 'Sent by `sluice apply`',
      validator: (next: EventBusDefinition, by?: ApplyRequest) => requireDefinition(next, current, by),
    },
  );
  setHandler(eventBusStatusQuery, () => state.status(), { description: 'Who applied it last, and rejected requests' });
  controls.handleDelete('Ends it; sensors and event sources keep their copy of it');
  controls.show();
  await controls.lifetime.untilDeleted(async () => {
    await condition(() => workflowInfo().continueAsNewSuggested);
    await controls.lifetime.requireAlive();
    await continueAsNew<typeof eventBus>(current, { carried: state.status() });
  });
}
