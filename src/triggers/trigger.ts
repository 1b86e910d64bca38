/**
 * The contract of every trigger: how Sluice acts after a sensor has decided.
 *
 * A trigger receives a template with resolved parameters, sends one request and returns its result. It must be safe to
 * call again with the same fire: retries, redeliveries and retriggers all rely on `fireId`.
 */
import type { Logger } from 'pino';
import type { CloudEvent } from '../event/cloud-event';
import type { JsonObject, JsonValue } from '../event/json';
import type { JsonDocument } from '../event/json-text';
import type { AccountName } from '../kubernetes/account-token';
import type { KubernetesAccess } from '../kubernetes/access';
import type { TriggerPolicy, TriggerTemplate } from '../manifest/sensor';
import type { SecretReader } from '../kubernetes/secrets';
import type { SupportedTrigger } from '../kinds/trigger-kinds';
import type { FireResult } from '../contract/fires';
import type { ReadYamlObject } from './resource-sources/parse-object';

/** The data a trigger needs before its own parameters can be applied. */
export interface ResourceRequest<Template> {
  readonly namespace: string;
  /** The `template.<kind>` block, parameters of the template applied. */
  readonly template: Template;
  readonly signal: AbortSignal;
  /** For kinds that act in the cluster: whose rights they have; default: the worker's own. */
  readonly account?: AccountName;
}

export interface FireRequest<Template> extends ResourceRequest<Template> {
  /** Deterministic in sensor, trigger and events; sent as `Idempotency-Key`, part of created names. */
  readonly fireId: string;
  /** Workflow id of the run, written on created objects so that their outcome can be attributed to it. */
  readonly runId?: string;
  readonly sensorName: string;
  readonly triggerName: string;
  /**
   * For kinds with a resource: the result of `fetchResource`, with the kind's own parameters applied. Write it with
   * `writeExactly`.
   */
  readonly resource?: JsonObject;
  /** For kinds with a payload: the document built from `payload`. */
  readonly payload?: JsonDocument;
  /** For kinds with `dynamicHeaders`: header name → value. */
  readonly dynamicHeaders?: Readonly<Record<string, string>>;
  /** The trigger's `policy` block: conditions on the object or response before the fire counts as done. */
  readonly policy?: TriggerPolicy;
  /** Dependency name → event, as the condition was satisfied. */
  readonly events: Readonly<Record<string, CloudEvent>>;
  /** Keys of all events, if `events` holds one that stands for several (triggers that collect). */
  readonly eventKeys?: readonly string[];
}

export type { FireResult };

export interface Trigger<Template> {
  /**
   * Kinds with a `source`: resolves with the object that it names (or, with `liveObject`, the one in the cluster), to
   * which the caller applies the kind's parameters before `fire`; undefined if there is nothing to apply them to.
   * Throws TRIGGER_SOURCE_UNREADABLE.
   */
  fetchResource?(request: ResourceRequest<Template>): Promise<JsonObject | undefined>;
  /**
   * For `sluice test`: returns exactly what `fire` would send, without sending it; secrets appear as their selectors.
   * Needs no server.
   */
  preview?(request: FireRequest<Template>): JsonValue;
  /** Throws a SluiceError whose `retryable` decides between another attempt and parking. */
  fire(request: FireRequest<Template>): Promise<FireResult>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Dependencies shared by the triggers of one worker. */
export interface TriggerDependencies {
  readonly secrets: SecretReader;
  /** Connects on first use, so that a worker without Kubernetes can still call HTTP. */
  readonly kubernetes: KubernetesAccess;
  /** For objects that are fetched as text. */
  readonly readYaml: ReadYamlObject;
  readonly log: Logger;
}

/**
 * The implementation of one kind in the table of kinds: the export `<kind>Trigger` of `<kind in kebab-case>.ts`,
 * declared as `TriggerOf<'kind'>`. `Template` is the type of `template.<kind>`. One trigger serves all sensors of a
 * worker.
 */
export interface TriggerFactory<Template> {
  /** Key in the trigger's template: `argoWorkflow`, `k8s`, `http`. */
  readonly kind: string;
  create(dependencies: TriggerDependencies): Trigger<Template>;
}

/** The content of `template.<kind>` in a manifest. */
export type Block<Kind extends SupportedTrigger> = NonNullable<TriggerTemplate[Kind]>;

/**
 * The compiler rejects a kind that the table of kinds does not fire, and a block that does not match its schema.
 * `Resolved`: fields that the caller has already applied to the request, and the implementation ignores.
 */
export type TriggerOf<Kind extends SupportedTrigger, Resolved extends keyof Block<Kind> = never> = TriggerFactory<
  Omit<Block<Kind>, Resolved>
>;
