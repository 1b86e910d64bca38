/** The result of `sluice test`, in the form of `-o json`. */
import type { ByDependency } from '../contract/packed-fires';
import type { ErrorCode } from '../errors/sluice-error';
import type { Decision } from '../records/decision-record';
import type { JsonValue } from '../event/json';
import type { DependencyTrace } from '../matching/evaluate-dependencies';

export interface Rehearsal {
  readonly sensor: { readonly namespace: string; readonly name: string };
  readonly events: readonly RehearsedEvent[];
  /** Effects during the time of `--wait` after the last event. */
  readonly afterwards: Consequences;
  /** The final state of every trigger. */
  readonly triggers: readonly TriggerStanding[];
}

export interface RehearsedEvent extends Consequences {
  readonly origin: string;
  readonly id: string;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  /** Dependencies that match the event's source and name; none: the sensor does not listen to it. */
  readonly dependencies: readonly RehearsedDependency[];
}

export interface RehearsedDependency extends Pick<DependencyTrace, 'dependency' | 'clauses'> {
  readonly transform?: Omit<NonNullable<DependencyTrace['transform']>, 'data'> & { readonly data?: JsonValue };
  readonly outcome: 'matched' | 'filtered' | 'failed';
  /** For an event that did not pass: the clause that decided, and why. */
  readonly clause?: string;
  readonly reason?: string;
  readonly code?: ErrorCode;
}

export interface Consequences {
  readonly fires: readonly RehearsedFire[];
  /** Events that would wait for an operator. */
  readonly parked: readonly ParkedTrigger[];
  /** Notes of joined triggers. */
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
  /** Keys. */
  readonly events: ByDependency<string>;
}

export type RehearsedFire = RehearsedRequest & {
  /** The request of its `dlqTrigger`, which is sent if the trigger fails permanently: now, if it `fails` here. */
  readonly deadLetter?: RehearsedRequest;
};

export type RehearsedRequest = {
  readonly trigger: string;
  /** `k8s`, `http` … */
  readonly kind: string;
  readonly fireId: string;
  readonly runId: string;
  /** Keys. */
  readonly events: ByDependency<string>;
} & (
  | { readonly outcome: 'sends'; readonly sends: JsonValue }
  /** Part of it is behind a network; `reason` names it. */
  | { readonly outcome: 'unresolved'; readonly reason: string }
  /** It cannot be built: the dead letter goes out, or the fire is parked. */
  | { readonly outcome: 'fails'; readonly problem: { code: string; message: string; fix?: string } }
);

export interface TriggerStanding {
  readonly trigger: string;
  readonly condition: string;
  readonly fires: number;
  /** For a joined trigger: dependencies whose events are held, and those whose events are missing. */
  readonly holds?: readonly string[];
  readonly waitingFor?: readonly string[];
  /** Satisfied conditions that wait for a full batch or for silence. */
  readonly collected?: number;
}

/** Returns all fires, in order. */
export function allFires(rehearsal: Rehearsal): RehearsedFire[] {
  return [...rehearsal.events, rehearsal.afterwards].flatMap(({ fires }) => fires);
}
