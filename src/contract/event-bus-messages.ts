/** Messages of the `eventBus` workflow. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { EventBusDefinition } from './definitions';

export const configureEventBusUpdate = defineUpdate<void, [EventBusDefinition]>('configure');

export const eventBusDefinitionQuery = defineQuery<EventBusDefinition>('spec');
