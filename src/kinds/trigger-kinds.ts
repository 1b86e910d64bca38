/**
 * Every kind of trigger that manifests may hold, by its key in the template, and whether Sluice fires it. Schemas, the
 * registry, validate, the docs and the tests follow from this list. Plain data: workflows read it.
 */

interface TriggerKindRow {
  /** False: it is validated, and rejected by `apply`. */
  readonly fires: boolean;
  /** One short request without waiting: its first attempt shares a local activity with others. */
  readonly isQuick?: boolean;
}

const fires = { fires: true } as const;
const notFired = { fires: false } as const;

/** Messages list them in this order. */
export const TRIGGER_KIND_TABLE = {
  k8s: fires,
  argoWorkflow: fires,
  http: fires,
  awsLambda: notFired,
  azureEventHubs: notFired,
  azureServiceBus: notFired,
  kafka: fires,
  pulsar: notFired,
  nats: fires,
  slack: fires,
  openWhisk: notFired,
  custom: fires,
  log: { fires: true, isQuick: true },
  email: fires,
} as const satisfies Record<string, TriggerKindRow>;

export type TriggerKind = keyof typeof TRIGGER_KIND_TABLE;

export type SupportedTrigger = {
  [Kind in TriggerKind]: (typeof TRIGGER_KIND_TABLE)[Kind] extends { readonly fires: true } ? Kind : never;
}[TriggerKind];

export const TRIGGER_KINDS = Object.keys(TRIGGER_KIND_TABLE).filter(isTriggerKind);
export const SUPPORTED_TRIGGERS = TRIGGER_KINDS.filter(isSupportedTrigger);

function isTriggerKind(kind: string): kind is TriggerKind {
  return Object.hasOwn(TRIGGER_KIND_TABLE, kind);
}

export function isSupportedTrigger(kind: string): kind is SupportedTrigger {
  return isTriggerKind(kind) && TRIGGER_KIND_TABLE[kind].fires;
}

export function isQuickKind(kind: TriggerKind): boolean {
  const row: TriggerKindRow = TRIGGER_KIND_TABLE[kind];
  return row.isQuick === true;
}
