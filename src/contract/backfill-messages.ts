/** Messages of the `backfill` workflow: announces older items of a STAC API through an event source. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { isJsonObject } from '../event/json';
import type { EventSourceDefinition } from './definitions';
import type { ControlStatus } from './lifecycle-messages';
import type { RequestedBy } from './requester';

/** Items to be announced. */
export interface BackfillRequest extends RequestedBy {
  /** The `stac` event whose search is used, and in whose name events are published. */
  readonly eventName: string;
  /** Time of acquisition, RFC 3339, inclusive. */
  readonly from: string;
  readonly to: string;
  /** At most as many events per second. */
  readonly rate?: number;
}

/** Items, each counted once. */
export interface BackfillCounts {
  readonly found: number;
  readonly published: number;
  /** The bus had them already: the event source has announced them, or an earlier attempt. */
  readonly duplicates: number;
  /** Left out by the filter of the event source. */
  readonly filtered: number;
  /** Entries that are no items, or that the bus refuses. */
  readonly rejected: number;
}

/** How far a back-fill has come: the range is searched in windows of time, from its beginning to its end. */
export interface BackfillProgress extends BackfillCounts {
  /** Everything before this time is on the bus, RFC 3339. */
  readonly doneTo: string;
  /** Seconds of the next window; absent: the whole range, which tells how dense it is. */
  readonly spanSeconds?: number;
  /** Items after this time that are on the bus, because windows were searched that are not complete: packed hashes. */
  readonly known?: string;
  /** Items in the whole range, if the API counts. */
  readonly matched?: number;
  /** Failed attempts since the last success. */
  readonly failures: number;
  readonly isComplete: boolean;
}

/** What a portion leaves to be waited for. */
export interface BackfillPause {
  readonly ms: number;
  readonly why: string;
}

export interface BackfillPortion {
  readonly progress: BackfillProgress;
  readonly pause?: BackfillPause;
}

export interface BackfillStatus extends BackfillProgress, Omit<ControlStatus, 'applied'> {
  readonly state: 'Running' | 'Waiting' | 'Paused' | 'Completed' | 'Cancelled' | 'Failed';
  readonly request: BackfillRequest;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Time that it worked or waited for others: without pauses. */
  readonly activeMs: number;
  /** What it waits for. */
  readonly waitsFor?: string;
  readonly cancelled?: RequestedBy & { readonly at: string };
}

export const backfillProgressQuery = defineQuery<BackfillStatus>('progress');

export const cancelSignal = defineSignal<[RequestedBy]>('cancel');

export interface BackfillInput {
  /** The event source as it was when the back-fill began. */
  readonly definition: EventSourceDefinition;
  readonly request: BackfillRequest;
  /** Passed on by continue-as-new. */
  readonly carried?: Pick<BackfillStatus, 'startedAt' | 'activeMs' | 'paused' | 'refusals'> & {
    readonly progress: BackfillProgress;
    readonly pause?: BackfillPause;
  };
}

const COUNTS = ['found', 'published', 'duplicates', 'filtered', 'rejected', 'failures'];

/** Returns the progress that is in the heartbeat of a portion; undefined if there is none. */
export function readBackfillProgress(heartbeat: unknown): BackfillProgress | undefined {
  return isProgress(heartbeat) ? heartbeat : undefined;
}

function isProgress(value: unknown): value is BackfillProgress {
  if (!isJsonObject(value) || typeof value['doneTo'] !== 'string') return false;
  return COUNTS.every((name) => typeof value[name] === 'number') && typeof value['isComplete'] === 'boolean';
}
