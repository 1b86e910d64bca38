/** Messages of the `replay` workflow. */
import { defineQuery } from '@temporalio/workflow';
import type { SensorDefinition } from './definitions';
import type { RequestedBy } from './requester';

/** Events of the bus that go through a sensor's present logic once more. */
export interface ReplayRequest extends RequestedBy {
  /** RFC 3339, inclusive. */
  readonly from?: string;
  readonly to?: string;
  /** Positions on the bus, inclusive; they win over times. */
  readonly fromSequence?: number;
  readonly toSequence?: number;
  /** Only say what would fire. */
  readonly dryRun: boolean;
  /** Fire also what fired before. */
  readonly again: boolean;
}

export interface ReplayProgress {
  readonly state: 'Running' | 'Completed' | 'Cancelled' | 'Failed';
  readonly read: number;
  readonly matched: number;
  /** Fires that were started, or, in a dry run, that would be. */
  readonly fired: number;
  /** Events handed to joined, collecting or limited triggers, which decide with what they hold whether they fire. */
  readonly joined: number;
  /** Left out because a run has carried them before, or a joined trigger holds them already. */
  readonly skipped: number;
  readonly unmatched: number;
  readonly failed: number;
  /** Next position to read. */
  readonly nextSequence?: number;
  readonly lastSequence?: number;
  /** Positions before this one were asked for, or may have been, and are not on the bus any more. */
  readonly keptFrom?: number;
  /** Positions from this one on were asked for; they still wait for the sensor, which fires them itself. */
  readonly leftToSensor?: number;
  /** The first of what fired or would; `sensor` stands for joined triggers. */
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
  /** Handed on by continue-as-new. */
  readonly progress?: ReplayProgress;
}

/** What it was asked for and cannot or does not read: a sentence each. */
export function describeReplayLimits({
  keptFrom,
  leftToSensor,
}: Pick<ReplayProgress, 'keptFrom' | 'leftToSensor'>): readonly string[] {
  return [
    ...(keptFrom === undefined ? [] : [`Events before position ${keptFrom} are not on the bus any more.`]),
    ...(leftToSensor === undefined
      ? []
      : [`Events from position ${leftToSensor} on still wait for the sensor, which fires them itself.`]),
  ];
}
