/** What Sluice runs today. Everything else of Argo Events is validated and then said so. */
import type { EventSourceKind } from './event-source';
import type { TriggerKind } from './sensor';

export const SUPPORTED_SOURCES: readonly EventSourceKind[] = ['redis', 'redisStream', 'webhook'];

export const UNSUPPORTED_TRIGGERS: readonly TriggerKind[] = [
  'awsLambda',
  'azureEventHubs',
  'azureServiceBus',
  'openWhisk',
  'pulsar',
];
