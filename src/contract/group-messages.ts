/**
 * Messages between sensors and the workflow of their concurrency group. Each message names a whole state instead of a
 * change, so one that is lost, repeated or late does no harm.
 */
import { defineQuery, defineSignal } from '@temporalio/workflow';

/** The part of a group's places that one sensor has and wants. */
export interface GroupShare {
  readonly group: string;
  /** Counts the shares of this sensor for this group: an older one is ignored. */
  readonly sequence: number;
  /** As the sensor's manifest states it; absent if no trigger of the sensor is in the group any more. */
  readonly limit?: number;
  /** Fires that wait for a place. */
  readonly waiting: number;
  /** Places that it asked for and has not received; at most as many as the limit. */
  readonly asked: readonly string[];
  /** Places that it has: name → id of the run, or null until the run is known. */
  readonly holding: Readonly<Record<string, string | null>>;
  /** The sensor is deleted: this is the last share. */
  readonly ended?: true;
}

/** A share with its sender. */
export interface SensorShare extends GroupShare {
  /** Name of the sensor. */
  readonly sensor: string;
  /** Differs for each time a sensor of this name was applied for the first time; sorts by time. */
  readonly epoch: string;
}

export const shareSignal = defineSignal<[SensorShare]>('share');

/** What a group tells a sensor. */
export interface GroupPlaces {
  readonly group: string;
  readonly epoch: string;
  /** Places that the sensor has from now on. */
  readonly given: readonly string[];
  /** Places whose run ended without a word: the sensor has them no longer. */
  readonly lost: readonly string[];
}

export const groupPlacesSignal = defineSignal<[GroupPlaces]>('groupPlaces');

export interface GroupMember {
  /** Name of the sensor. */
  readonly sensor: string;
  readonly limit?: number;
  readonly holding: number;
  readonly waiting: number;
}

export interface GroupStatus {
  readonly namespace: string;
  readonly name: string;
  /** The smallest that a sensor states. */
  readonly limit: number;
  /** Places in use, including those of deleted sensors. */
  readonly used: number;
  readonly sensors: readonly GroupMember[];
  /** Runs of deleted sensors that still have places. */
  readonly leftBehind: readonly string[];
}

export const groupStatusQuery = defineQuery<GroupStatus>('status');

/** Input of the workflow `concurrencyGroup`; continue-as-new passes on more fields. */
export interface GroupStart {
  readonly namespace: string;
  readonly name: string;
}

export interface ReportSharesRequest {
  readonly namespace: string;
  readonly shares: readonly SensorShare[];
}

/** A place in use, and who has it. */
export interface PlaceInUse {
  readonly id: string;
  readonly sensor: string;
  /** Its sensor was deleted or applied anew, so nobody will return it. */
  readonly isLeftBehind: boolean;
  readonly run?: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface FindLostPlacesRequest {
  readonly namespace: string;
  readonly places: readonly PlaceInUse[];
  /** Names of the sensors of the group. */
  readonly sensors: readonly string[];
}

export interface LostPlaces {
  /** Ids of places whose run no longer needs them. */
  readonly places: readonly string[];
  /** Sensors that are not applied any more. */
  readonly sensors: readonly string[];
}
