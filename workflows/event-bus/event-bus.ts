/** Holds one EventBus so that any sensor or event source applied later finds it. */
import {
  condition,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { missingRequester } from '../../src/contract/operator-request';
import { describeEventBus } from './event-bus-details';
import { CANCELLATION_IGNORED, Lifetime } from '../lifecycle/lifetime';
import type { EventBusDefinition } from '../../src/contract/definitions';
import { configureEventBusUpdate, eventBusDefinitionQuery } from '../../src/contract/event-bus-messages';
import { deleteSignal } from '../../src/contract/lifecycle-messages';
import { requireDefinition } from '../lifecycle/signal-guards';

export async function eventBus(definition: EventBusDefinition): Promise<void> {
  let current = definition;
  let notice: string | undefined;
  setHandler(eventBusDefinitionQuery, () => current, { description: 'The EventBus as it is applied' });
  const show = (): void => setCurrentDetails(describeEventBus(current, workflowInfo().namespace, notice));
  const life = new Lifetime(() => {
    notice = CANCELLATION_IGNORED;
    show();
  });
  setHandler(
    configureEventBusUpdate,
    (next) => {
      current = next;
      show();
    },
    { description: 'Sent by `sluice apply`', validator: (next) => requireDefinition(next, current) },
  );
  setHandler(
    deleteSignal,
    (request) => {
      notice = missingRequester(request);
      if (notice === undefined) life.delete();
      else show();
    },
    { description: 'Ends it; sensors and event sources keep what they have of it: {"by": "…", "why": "…"}' },
  );
  show();
  try {
    await life.run(async () => {
      await condition(() => workflowInfo().continueAsNewSuggested);
      await life.requireAlive();
      await continueAsNew<typeof eventBus>(current);
    });
  } catch (error) {
    if (!isCancellation(error) || !life.isDeleted) throw error;
  }
}
