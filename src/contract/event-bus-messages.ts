/** Messages of the `eventBus` workflow. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { EventBusDefinition } from './definitions';
import type { ApplyRequest, ControlStatus } from './lifecycle-messages';

/** The second input of the workflow; continue-as-new passes on more fields. */
export interface EventBusStart {
  readonly request?: ApplyRequest;
}

export const configureEventBusUpdate = defineUpdate<void, [EventBusDefinition, ApplyRequest?]>('configure');

export const eventBusDefinitionQuery = defineQuery<EventBusDefinition>('spec');

export const eventBusStatusQuery = defineQuery<ControlStatus>('status');
