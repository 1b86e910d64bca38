/** What `sluice test` found out, in the form of `-o json`. */
import type { ErrorCode } from '../errors/sluice-error';
import type { Decision } from '../records/decision-record';
import type { JsonValue } from '../event/json';
import type { DependencyTrace } from '../matching/evaluate-dependencies';

export interface Rehearsal {
  readonly sensor: { readonly namespace: string; readonly name: string };
  readonly events: readonly RehearsedEvent[];
  /** What happened in the time of `--wait` after the last event. */
  readonly afterwards: Consequences;
  /** Every trigger, as it stands at the end. */
  readonly triggers: readonly TriggerStanding[];
}

export interface RehearsedEvent extends Consequences {
  readonly origin: string;
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  /** Those that take the event's source and name; none: the sensor does not listen to it. */
  readonly dependencies: readonly RehearsedDependency[];
}

export interface RehearsedDependency extends Pick<DependencyTrace, 'dependency' | 'clauses'> {
  readonly transform?: Omit<NonNullable<DependencyTrace['transform']>, 'data'> & { readonly data?: JsonValue };
  readonly outcome: 'matched' | 'filtered' | 'failed';
  /** Of an event that did not pass: the clause that decided, and why. */
  readonly clause?: string;
  readonly reason?: string;
  readonly code?: ErrorCode;
}

export interface Consequences {
  readonly fires: readonly RehearsedFire[];
  /** Events that would wait for a person. */
  readonly parked: readonly ParkedTrigger[];
  /** What joined triggers took note of. */
  readonly notes: readonly Note[];
}

export interface Note {
  readonly decision: Decision;
  readonly eventId: string;
  readonly dependency?: string;
  readonly triggers: readonly string[];
  readonly reason: string;
}

export interface ParkedTrigger {
  readonly trigger: string;
  readonly reason: string;
  readonly events: EventsByDependency;
}

/** Dependency → keys of its events. */
export type EventsByDependency = Readonly<Record<string, readonly string[]>>;

export type RehearsedFire = RehearsedRequest & {
  /** The request of its `dlqTrigger`, which goes out if the trigger fails for good: now, if it `fails` here. */
  readonly deadLetter?: RehearsedRequest;
};

export type RehearsedRequest = {
  readonly trigger: string;
  /** `k8s`, `http` … */
  readonly kind: string;
  readonly fireId: string;
  readonly runId: string;
  readonly events: EventsByDependency;
} & (
  | { readonly outcome: 'sends'; readonly sends: JsonValue }
  /** Something of it lies behind a network; `reason` says what. */
  | { readonly outcome: 'unresolved'; readonly reason: string }
  /** It cannot be built: the dead letter goes out, or the fire is parked. */
  | { readonly outcome: 'fails'; readonly problem: { code: string; message: string; fix?: string } }
);

export interface TriggerStanding {
  readonly trigger: string;
  readonly condition: string;
  readonly fires: number;
  /** Of a trigger that joins: dependencies whose events are held, and those that have not come. */
  readonly holds?: readonly string[];
  readonly waitingFor?: readonly string[];
  /** Satisfied conditions that wait for a batch to be complete or for silence. */
  readonly collected?: number;
}

/** Everything that fired, in order. */
export function allFires(rehearsal: Rehearsal): RehearsedFire[] {
  return [...rehearsal.events, rehearsal.afterwards].flatMap(({ fires }) => fires);
}
