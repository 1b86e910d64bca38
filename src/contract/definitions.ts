/** The applied object, its options, and the bus it uses, as plain JSON that was validated before. */
import type { EventBusOptions, EventSourceOptions, SensorOptions } from '../manifest/annotations';
import type { EventBusSpec } from '../manifest/event-bus';
import type { EventSourceSpec } from '../manifest/event-source';
import type { SensorSpec } from '../manifest/sensor';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface EventBusDefinition extends ObjectName {
  readonly spec: EventBusSpec;
  /** Absent without annotations, and in definitions from versions before they existed. */
  readonly options?: EventBusOptions;
}

export interface EventSourceDefinition extends ObjectName {
  readonly spec: EventSourceSpec;
  readonly options: EventSourceOptions;
  /** The bus that it publishes to, resolved when applied. */
  readonly bus: EventBusDefinition;
}

export interface SensorDefinition extends ObjectName {
  readonly spec: SensorSpec;
  readonly options: SensorOptions;
  readonly bus: EventBusDefinition;
}
