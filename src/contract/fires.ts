/** The vocabulary of a run. Plain data: workflows, activities, the command and the Temporal UI share it. */
import type { ErrorCode } from '../errors/sluice-error';
import type { ObjectReference } from '../errors/object-reference';

/** Value of the search attribute `SluiceState`. */
export type RunState = 'Firing' | 'Waiting' | 'Parked' | 'Succeeded' | 'Failed' | 'Discarded';

export type FireState = RunState | 'Retrying' | 'DeadLettered';

/** What a trigger did. Goes into workflow history, so it holds no payloads and no secrets. */
export type FireResult =
  /** A Kubernetes object was created, changed or deleted. `existed`: an earlier attempt of this fire had created it. */
  | {
      readonly kind: 'object';
      readonly action: string;
      readonly object: ObjectReference;
      readonly existed: boolean;
      /** The sensor's watch does not cover its namespace, because a parameter names the namespace. */
      readonly unwatched?: boolean;
      /** Page of the object in the Argo UI. */
      readonly link?: string;
    }
  /** A server responded: HTTP, gRPC, a broker. */
  | { readonly kind: 'response'; readonly summary: string; readonly status?: number };

export interface FireFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix?: string;
  readonly retryable: boolean;
  /** How long the server asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The object that the fire created before it failed its policy. */
  readonly object?: ObjectReference;
}

/** How the Argo Workflow that a fire created ended. */
export interface WorkflowOutcomeReport {
  readonly fireId: string;
  /** Uid of the Workflow: a copy of it (`argo resubmit`) has the same labels. Absent in reports of earlier versions. */
  readonly uid?: string;
  /** `Deleted`: it vanished while running. `Unknown`: it was gone before its outcome was seen. */
  readonly phase: 'Succeeded' | 'Failed' | 'Error' | 'Deleted' | 'Unknown';
  readonly message: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** First attempts that a listener made before it started the run. */
export interface ListenerAttempts {
  /** Identity of the worker, as Temporal shows it. */
  readonly worker: string;
  /** Without times: an attempt of another worker, of which only the note on the bus is known. */
  readonly attempts: ReadonlyArray<TimedAttempt | FireAttempt>;
  /** Calls that had no response yet when the run was started. Their attempts follow in the signal `attempted`. */
  readonly underWay?: readonly CallUnderWay[];
}

/** A first attempt that a listener has begun. */
export interface CallUnderWay {
  readonly fireId: string;
  /** RFC 3339: when it began. */
  readonly at: string;
  /** RFC 3339: if the run has not heard of it by then, the worker was lost. */
  readonly until: string;
}

/** What one attempt, or several of one fire, came to. */
export interface FireAttempt {
  readonly fireId: string;
  readonly result?: FireResult;
  readonly failure?: FireFailure;
  /** How many attempts were made, if not one. */
  readonly attempts?: number;
}

export interface TimedAttempt extends FireAttempt {
  /** RFC 3339: when it began. */
  readonly at: string;
  readonly tookMs: number;
}

/** Where and when the listener made a fire's first attempt, or began it, before the run existed. */
export interface ListenerAttempt extends Pick<TimedAttempt, 'at'>, Pick<ListenerAttempts, 'worker'> {
  /** Absent until the target has responded. */
  readonly tookMs?: number;
}

export interface FireStatus {
  readonly id: string;
  readonly trigger: string;
  /** Event keys. */
  readonly events: readonly string[];
  readonly state: FireState;
  readonly attempts: number;
  /** The first of `attempts`, if the listener made it before the run was started. */
  readonly listenerAttempt?: ListenerAttempt;
  readonly object?: ObjectReference;
  /** What was done to the object: `create`, `patch`, `submit` … */
  readonly action?: string;
  /** RFC 3339: since when it waits for an operator, and when it fails without a decision. */
  readonly parked?: { readonly since: string; readonly until: string };
  /** Page of the object in the Argo UI, if the worker is configured with that UI. */
  readonly link?: string;
  /** The response of the trigger, for kinds without an object. */
  readonly answer?: string;
  readonly failure?: FireFailure;
  readonly outcome?: WorkflowOutcomeReport;
}
