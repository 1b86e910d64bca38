/** Messages of the `replay` workflow. */
import { defineQuery } from '@temporalio/workflow';
import type { SensorDefinition } from './definitions';
import type { RequestedBy } from './requester';

/** Events of the bus to be evaluated again by a sensor's current logic. */
export interface ReplayRequest extends RequestedBy {
  /** RFC 3339, inclusive. */
  readonly from?: string;
  readonly to?: string;
  /** Positions on the bus, inclusive; they take precedence over times. */
  readonly fromSequence?: number;
  readonly toSequence?: number;
  /** Only report what would fire. */
  readonly dryRun: boolean;
  /** Fire events again that have fired before. */
  readonly again: boolean;
}

export interface ReplayProgress {
  readonly state: 'Running' | 'Completed' | 'Cancelled' | 'Failed';
  readonly read: number;
  readonly matched: number;
  /** Fires that were started, or that would be in a dry run. */
  readonly fired: number;
  /** Events passed to joined, collecting or limited triggers, which decide with the events they hold. */
  readonly joined: number;
  /** Skipped because a run has carried them before, or a joined trigger holds them already. */
  readonly skipped: number;
  readonly unmatched: number;
  readonly failed: number;
  /** Next position to read. */
  readonly nextSequence?: number;
  readonly lastSequence?: number;
  /** Positions before this one were requested, or may have been, but are no longer on the bus. */
  readonly keptFrom?: number;
  /** Requested positions from this one on are still pending for the sensor, which fires them itself. */
  readonly leftToSensor?: number;
  /** The first fires, real or in a dry run; `sensor` stands for joined triggers. */
  readonly examples: ReadonlyArray<{
    readonly eventKey: string;
    readonly sequence: number;
    readonly triggers: readonly string[];
  }>;
}

export const replayProgressQuery = defineQuery<ReplayProgress>('progress');

export interface ReplayInput {
  /** The sensor as it was when the replay began. */
  readonly definition: SensorDefinition;
  readonly request: ReplayRequest;
  /** Passed on by continue-as-new. */
  readonly progress?: ReplayProgress;
}

/** The requested events that it cannot or does not read: a sentence for each reason. */
export function describeReplayLimits({
  keptFrom,
  leftToSensor,
}: Pick<ReplayProgress, 'keptFrom' | 'leftToSensor'>): readonly string[] {
  return [
    ...(keptFrom === undefined ? [] : [`Events before position ${keptFrom} are no longer on the bus.`]),
    ...(leftToSensor === undefined
      ? []
      : [`Events from position ${leftToSensor} on are still pending for the sensor, which fires them itself.`]),
  ];
}
