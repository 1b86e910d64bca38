/**
 * Every kind of trigger that manifests may hold, by its key in the template, and whether Sluice fires it. Schemas, the
 * registry, validate, the docs and the tests follow from this list. Workflows read it, so it is plain data: it knows
 * implementations by type alone.
 */
import type { argoWorkflowTrigger } from '../../triggers/argo-workflow';
import type { customTrigger } from '../../triggers/custom';
import type { emailTrigger } from '../../triggers/email';
import type { httpTrigger } from '../../triggers/http';
import type { k8sTrigger } from '../../triggers/k8s';
import type { kafkaTrigger } from '../../triggers/kafka';
import type { logTrigger } from '../../triggers/log';
import type { natsTrigger } from '../../triggers/nats';
import type { slackTrigger } from '../../triggers/slack';
import type { TriggerFactory } from '../../triggers/trigger';

/** A kind that is fired. */
interface Fires<Factory> {
  readonly fires: true;
  /** One short request, with nothing to wait for: its first attempt shares a local activity with others. */
  readonly isQuick: boolean;
  /** For the compiler only. */
  readonly implementation?: Factory;
}

/** A kind that is validated, and refused by `apply`. */
interface NotFired {
  readonly fires: false;
}

/** `Factory` is the export `<kind>Trigger` of `src/triggers/<kind in kebab-case>.ts`. */
function fires<Factory extends TriggerFactory<never>>({ isQuick = false } = {}): Fires<Factory> {
  return { fires: true, isQuick };
}

const notFired: NotFired = { fires: false };

/** Messages name them in this order. */
export const TRIGGER_KIND_TABLE = {
  k8s: fires<typeof k8sTrigger>(),
  argoWorkflow: fires<typeof argoWorkflowTrigger>(),
  http: fires<typeof httpTrigger>(),
  awsLambda: notFired,
  azureEventHubs: notFired,
  azureServiceBus: notFired,
  kafka: fires<typeof kafkaTrigger>(),
  pulsar: notFired,
  nats: fires<typeof natsTrigger>(),
  slack: fires<typeof slackTrigger>(),
  openWhisk: notFired,
  custom: fires<typeof customTrigger>(),
  log: fires<typeof logTrigger>({ isQuick: true }),
  email: fires<typeof emailTrigger>(),
};

export type TriggerKind = keyof typeof TRIGGER_KIND_TABLE;

/** Of the kinds that are fired, the implementation. */
export type TriggerImplementations = {
  [
    Kind in TriggerKind as (typeof TRIGGER_KIND_TABLE)[Kind] extends Fires<unknown> ? Kind : never
  ]: (typeof TRIGGER_KIND_TABLE)[Kind] extends Fires<infer Factory> ? Factory : never;
};
export type SupportedTrigger = keyof TriggerImplementations;

export const TRIGGER_KINDS = Object.keys(TRIGGER_KIND_TABLE).filter(isTriggerKind);
export const SUPPORTED_TRIGGERS = TRIGGER_KINDS.filter(isSupportedTrigger);

function isTriggerKind(kind: string): kind is TriggerKind {
  return Object.hasOwn(TRIGGER_KIND_TABLE, kind);
}

export function isSupportedTrigger(kind: string): kind is SupportedTrigger {
  return isTriggerKind(kind) && TRIGGER_KIND_TABLE[kind].fires;
}

/** See `Fires.isQuick`. */
export function isQuickKind(kind: TriggerKind): boolean {
  const row = TRIGGER_KIND_TABLE[kind];
  return row.fires && row.isQuick;
}
