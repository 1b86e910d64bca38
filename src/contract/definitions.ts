/** The applied object, its options, and the bus it uses, as plain JSON that was validated before. */
import type { EventBusOptions, EventSourceOptions, SensorOptions } from '../manifest/annotations';
import type { EventBusSpec } from '../manifest/event-bus';
import type { EventSourceSpec } from '../manifest/event-source';
import type { SensorSpec } from '../manifest/sensor';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface AppliedDefinition extends ObjectName {
  /**
   * Present if it was applied from an object of the cluster, or from a folder whose removed objects are pruned: with its
   * origin it is deleted. Applying it by a command removes this.
   */
  readonly appliedBy?: 'controller' | FolderOwner;
}

/** With the name that the operator gave to the folder. */
export type FolderOwner = `folder/${string}`;

export interface EventBusDefinition extends AppliedDefinition {
  readonly spec: EventBusSpec;
  /** Absent without annotations, and in definitions from versions before they existed. */
  readonly options?: EventBusOptions;
}

export interface EventSourceDefinition extends AppliedDefinition {
  readonly spec: EventSourceSpec;
  readonly options: EventSourceOptions;
  /** The bus that it publishes to, resolved when applied. */
  readonly bus: EventBusDefinition;
}

export interface SensorDefinition extends AppliedDefinition {
  readonly spec: SensorSpec;
  readonly options: SensorOptions;
  readonly bus: EventBusDefinition;
}
