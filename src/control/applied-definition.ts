/** The definition of an applied object of any kind, as its workflow has it. */
import type { WorkflowHandle } from '@temporalio/client';
import type { EventBusDefinition, EventSourceDefinition, SensorDefinition } from '../contract/definitions';
import { eventBusDefinitionQuery } from '../contract/event-bus-messages';
import { eventSourceDefinitionQuery } from '../contract/event-source-messages';
import { sensorDefinitionQuery } from '../contract/sensor-messages';
import type { ManifestKind } from '../validation/parse-manifest';

export type KindAndDefinition =
  | { readonly kind: 'EventBus'; readonly definition: EventBusDefinition }
  | { readonly kind: 'EventSource'; readonly definition: EventSourceDefinition }
  | { readonly kind: 'Sensor'; readonly definition: SensorDefinition };

/** Passes a question on to the workflow; see `askWorkflow`. */
type Ask = <Answer>(question: (handle: WorkflowHandle) => Promise<Answer>) => Promise<Answer>;

/** Throws what `ask` throws. */
export async function queryDefinition(kind: ManifestKind, ask: Ask): Promise<KindAndDefinition> {
  switch (kind) {
    case 'EventBus':
      return { kind, definition: await ask((handle) => handle.query(eventBusDefinitionQuery)) };
    case 'EventSource':
      return { kind, definition: await ask((handle) => handle.query(eventSourceDefinitionQuery)) };
    case 'Sensor':
      return { kind, definition: await ask((handle) => handle.query(sensorDefinitionQuery)) };
  }
}
