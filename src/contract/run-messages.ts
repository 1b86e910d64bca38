/** The input of a run and the messages of the `sensorRun` workflow. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { SensorOptions } from '../manifest/annotations';
import type { EventBusDefinition, ObjectName } from './definitions';
import type { FireStatus, ListenerAttempts, TimedAttempt, WorkflowOutcomeReport } from './fires';
import type { Overrides } from './overrides';
import type { PackedFires } from './packed-fires';
import type { RequestedBy } from './requester';
import type { RunTrigger } from './run-trigger';

/** `events`: every event once, as its dependency's transform returned it. */
export interface SensorRunInput extends PackedFires {
  readonly sensor: ObjectName;
  /** The triggers in force when the fires were decided, so that the run is self-contained. */
  readonly triggers: Readonly<Record<string, RunTrigger>>;
  readonly options: RunOptions;
  /** Where outcomes are published. */
  readonly bus: EventBusDefinition;
  /** 1 (first) to 5 (last), in Temporal's task queues and the worker's; absent: the default. */
  readonly priority?: number;
  /** Results of first attempts made before the run was started; the run makes all others. */
  readonly listenerAttempts?: ListenerAttempts;
  /** Why these fires wait for an operator from the start (half a pair whose window passed, too many queued …). */
  readonly parkedBecause?: string;
  /**
   * The run can never fire, only be discarded: the content of its events is not on the bus any more, or exceeds the
   * limit of a run.
   */
  readonly contentMissing?: 'gone' | 'too-large';
  readonly retriggerOf?: RequestedBy & {
    readonly runId: string;
    readonly overrides?: Overrides;
    /** Identifies the request: a retry of the same request finds the run that it started. */
    readonly request?: string;
  };
}

export interface RunOptions extends Pick<SensorOptions, 'outcomeRedis' | 'outcomeRedisAccess' | 'outcomeStreams'> {
  readonly parkForMs: number;
  readonly followOutcome: boolean;
}

export const firesQuery = defineQuery<readonly FireStatus[]>('fires');

/** To a run: fire parked fires again (all, or one). From the Temporal UI or CLI, it must have `by` and `why`. */
export interface RunRetriggerRequest extends RequestedBy {
  readonly fireId?: string;
  readonly trigger?: string;
  readonly overrides?: Overrides;
}

export const runRetriggerSignal = defineSignal<[RunRetriggerRequest]>('retrigger');

/** To a run: discard parked fires, all or some. */
export interface RunDiscardRequest extends RequestedBy {
  readonly fireId?: string;
  readonly trigger?: string;
}

export const discardSignal = defineSignal<[RunDiscardRequest]>('discard');

export const outcomeSignal = defineSignal<[readonly WorkflowOutcomeReport[]]>('outcome');

/**
 * Sent by the outcome watch after its first complete list: the fires of this run whose Workflow exists. The run looks
 * for the Workflows of its other fires itself.
 */
export const listedSignal = defineSignal<[readonly string[]]>('listed');

/** Sent by the listener: first attempts that were under way when it started the run. */
export const attemptedSignal = defineSignal<[readonly TimedAttempt[]]>('attempted');
