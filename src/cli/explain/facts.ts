/** What is known of one event, before it is made into a story. */
import type {
  HeldDependencies,
  Overrides,
  SensorDefinition,
  SensorRunInput,
  SensorStatus,
} from '../../../workflows/messages';
import type { StoredEvent } from '../../bus/bus';
import type { CloudEvent } from '../../event/cloud-event';
import type { DecisionRecord } from '../../event/decision-record';
import type { FireStatus } from '../../run/run-types';
import type { FoundRun } from '../runs/find-runs';

export interface BusPosition {
  /** `<namespace>/<name>` */
  readonly bus: string;
  readonly subject: string;
  readonly sequence: number;
  /** RFC 3339. */
  readonly publishedAt: string;
  readonly undecodable?: string;
}

/** What a person did to a run. */
export interface RunAct {
  readonly at: string;
  readonly what: 'retriggered' | 'discarded';
  readonly by: string;
  readonly why: string;
  readonly overrides?: Overrides;
}

export interface RunFacts extends FoundRun {
  /** Fires that carry the event; `at`: when the last attempt ended. Undefined: nobody can be asked. */
  readonly fires: ReadonlyArray<FireStatus & { readonly at?: string }> | undefined;
  readonly origin?: SensorRunInput['retriggerOf'];
  readonly parkedBecause?: string;
  readonly acts: readonly RunAct[];
}

/** A sensor that is applied now and has a dependency on the event's source and name. */
export interface SensorFacts {
  readonly definition: SensorDefinition;
  readonly status: SensorStatus;
  readonly held: readonly HeldDependencies[];
}

export interface EventFacts {
  readonly key: string;
  readonly shortId: string;
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  readonly event?: CloudEvent;
  /** Where it lies on the bus: several positions when it was published again after the duplicate window. */
  readonly positions: readonly BusPosition[];
  /** Oldest first. */
  readonly decisions: readonly DecisionRecord[];
  readonly runs: readonly RunFacts[];
  readonly sensors: readonly SensorFacts[];
  /** What cannot be known (any more), and why. */
  readonly unknown: readonly string[];
  readonly now: Date;
}

export type StoredOnBus = StoredEvent & { readonly bus: string };
