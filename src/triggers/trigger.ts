/**
 * The contract of every trigger: how Sluice acts once a sensor has decided.
 *
 * A trigger receives a template whose parameters are already resolved; it sends one request and says what came of it.
 * It must be safe to call again with the same fire: retries, redeliveries and retriggers all rely on `fireId`.
 */
import type { CloudEvent } from '../event/cloud-event';
import type { JsonObject } from '../event/json';
import type { ObjectReference } from '../kubernetes/object-reference';

export interface FireRequest<Template> {
  /** Deterministic in sensor, trigger and events; sent as `Idempotency-Key`, part of created names. */
  readonly fireId: string;
  readonly namespace: string;
  readonly sensorName: string;
  readonly triggerName: string;
  /** The `template.<kind>` block, parameters of the template applied. */
  readonly template: Template;
  /** For kinds with a resource: the object with the kind's own parameters applied. */
  readonly resource?: JsonObject;
  /** For kinds with a payload: the document built from `payload`. */
  readonly payload?: unknown;
  /** Dependency name → event, as the condition was satisfied. */
  readonly events: Readonly<Record<string, CloudEvent>>;
  readonly signal: AbortSignal;
}

/** What a trigger did. Goes into workflow history, so it holds no payloads and no secrets. */
export type FireResult =
  /** A Kubernetes object was created, changed or deleted. `existed`: an earlier attempt of this fire had made it. */
  | { readonly kind: 'object'; readonly action: string; readonly object: ObjectReference; readonly existed: boolean }
  /** Something answered: HTTP, gRPC, a broker. */
  | { readonly kind: 'response'; readonly summary: string; readonly status?: number };

export interface Trigger<Template> {
  /** Throws a SluiceError whose `retryable` decides between another attempt and parking. */
  fire(request: FireRequest<Template>): Promise<FireResult>;
  close(): Promise<void>;
}
