/** The facts about one event, from which its story is made. */
import type { SensorDefinition } from '../../contract/definitions';
import type { GroupStatus } from '../../contract/group-messages';
import type { SensorRunInput } from '../../contract/run-messages';
import type { HeldPlace, SensorStatus } from '../../contract/sensor-messages';
import type { SensorPosition, StoredEvent } from '../../bus/bus';
import type { ExpiredEvents } from '../../bus/expired-events';
import type { CloudEvent } from '../../event/cloud-event';
import type { DecisionRecord } from '../../records/decision-record';
import type { Overrides } from '../../contract/overrides';
import type { FireStatus } from '../../contract/fires';
import type { PendingActivity } from '../pending-activities';
import type { FoundRun } from '../runs/search-runs';

export interface BusPosition {
  /** `<namespace>/<name>` */
  readonly bus: string;
  readonly subject: string;
  readonly sequence: number;
  /** RFC 3339. */
  readonly publishedAt: string;
  readonly undecodable?: string;
}

/** An operator's action on a run. */
export interface RunAct {
  readonly at: string;
  /** `refused`: the request did not say who made it or why. */
  readonly what: 'retriggered' | 'discarded' | 'refused';
  readonly by: string;
  readonly why: string;
  /** The only fire that the action was for; absent: all parked ones. */
  readonly fireId?: string;
  readonly trigger?: string;
  readonly overrides?: Overrides;
}

/** The event that announced the outcome of an Argo Workflow, and the runs that it started. */
export interface Announcement {
  readonly event: string;
  readonly reactions: readonly FoundRun[];
}

export interface FireFacts extends FireStatus {
  /** When the last attempt ended. */
  readonly at?: string;
  /** The attempt in flight or the delay before the next one, while it has not fired. */
  readonly underWay?: string;
  /** Its outcome was published as an event. */
  readonly isAnnounced: boolean;
  readonly announcement?: Announcement;
}

export interface RunFacts extends FoundRun {
  /** Fires that carry the event. Undefined: they could not be queried. */
  readonly fires: readonly FireFacts[] | undefined;
  readonly origin?: SensorRunInput['retriggerOf'];
  readonly parkedBecause?: string;
  /** Absent if it is the default. */
  readonly priority?: number;
  readonly acts: readonly RunAct[];
  /** Activities that have not ended. */
  readonly activities: readonly PendingActivity[];
}

/** A sensor that is applied now and has a dependency on the event's source and name. */
export interface SensorFacts {
  readonly definition: SensorDefinition;
  readonly status: SensorStatus;
  /** Places where it holds the event now. */
  readonly places: readonly HeldPlace[];
  /** The concurrency groups in which it waits for a place. */
  readonly groups?: readonly GroupStatus[];
  /** Undefined: it never listened, or its bus cannot be read. */
  readonly position?: SensorPosition;
  /** The latest events that the bus removed before the sensor handled them. */
  readonly expired?: readonly ExpiredEvents[];
}

export interface EventFacts {
  readonly key: string;
  readonly shortId: string;
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  readonly event?: CloudEvent;
  /** Its positions on the bus: several if it was published again after the duplicate window. */
  readonly positions: readonly BusPosition[];
  /** Oldest first. */
  readonly decisions: readonly DecisionRecord[];
  readonly runs: readonly RunFacts[];
  readonly sensors: readonly SensorFacts[];
  /** Applied sensors that could not be queried for their dependencies. */
  readonly unasked: readonly string[];
  /** Sensors with a matching dependency whose workflow was ended from outside: they no longer listen. */
  readonly gone?: ReadonlyArray<{ readonly sensor: string; readonly reason: string }>;
  /** Facts that could not be determined, or no longer, and why. */
  readonly unknown: readonly string[];
  readonly now: Date;
}

export type StoredOnBus = StoredEvent & { readonly bus: string };
