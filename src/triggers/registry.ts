/** Finds the implementation of a template's trigger kind by its name, so that the table of kinds is the only list. */
import { SluiceError } from '../errors/sluice-error';
import type { JsonObject, JsonValue } from '../event/json';
import type { TriggerTemplate } from '../manifest/sensor';
import { fileStem } from '../kinds/file-stem';
import {
  isSupportedTrigger,
  SUPPORTED_TRIGGERS,
  TRIGGER_KINDS,
  type SupportedTrigger,
  type TriggerKind,
} from '../kinds/trigger-kinds';
import { EchoedSecrets } from './echoed-secrets';
import type {
  Block,
  FireRequest,
  FireResult,
  ResourceRequest,
  Trigger,
  TriggerDependencies,
  TriggerOf,
} from './trigger';

/** A trigger's `template`, as far as its kind is concerned. */
export type KindBlocks = Pick<TriggerTemplate, TriggerKind>;

/** Returns the one kind that a template sets. Throws MANIFEST_INVALID for none or several. */
export function triggerKind(template: KindBlocks): TriggerKind {
  const kinds = TRIGGER_KINDS.filter((kind) => template[kind] !== undefined);
  const [kind, ...others] = kinds;
  if (kind !== undefined && others.length === 0) return kind;
  throw new SluiceError('MANIFEST_INVALID', {
    message: `trigger template sets ${kinds.length === 0 ? 'no kind' : kinds.join(' and ')}, expected exactly one kind`,
    fix: `Set one of ${SUPPORTED_TRIGGERS.join(', ')}`,
  });
}

/**
 * One worker's triggers, each created on first use; a request's template names its kind. All calls throw
 * TRIGGER_UNSUPPORTED for kinds that cannot fire.
 */
export interface Triggers {
  /** See Trigger.fetchResource; resolves with undefined for kinds without a resource. */
  fetchResource(request: ResourceRequest<KindBlocks>): Promise<JsonObject | undefined>;
  /** See Trigger.preview; returns undefined for kinds without a preview. */
  preview(request: FireRequest<KindBlocks>): JsonValue | undefined;
  fire(request: FireRequest<KindBlocks>): Promise<FireResult>;
  /** Idempotent. */
  close(): Promise<void>;
}

export function createTriggers(dependencies: TriggerDependencies): Triggers {
  const opened = new Map<SupportedTrigger, Trigger<never>>();
  const echoed = new EchoedSecrets();
  const shared: TriggerDependencies = { ...dependencies, secrets: echoed.remember(dependencies.secrets) };

  /** Calls `act` with the trigger of the kind that is set, and with its block. */
  function on<Result>(template: KindBlocks, act: Act<Result>): Result {
    const kind = triggerKind(template);
    if (!isSupportedTrigger(kind)) throw unsupportedKind(kind);
    return onKind(kind, template[kind], act);
  }

  function onKind<Kind extends SupportedTrigger, Result>(
    kind: Kind,
    block: TriggerTemplate[Kind],
    act: Act<Result>,
  ): Result {
    if (!block) throw unsupportedKind(kind);
    const trigger: Trigger<Block<Kind>> = opened.get(kind) ?? loadTrigger(kind).create(shared);
    opened.set(kind, trigger);
    return act(trigger, block);
  }

  return {
    fetchResource: async (request) =>
      await echoed.withoutSecrets(request.namespace, async () =>
        on(request.template, (trigger, block) => trigger.fetchResource?.({ ...request, template: block })),
      ),
    preview: (request) => on(request.template, (trigger, block) => trigger.preview?.({ ...request, template: block })),
    fire: async (request) => {
      const result = await echoed.withoutSecrets(request.namespace, async () =>
        on(request.template, (trigger, block) => trigger.fire({ ...request, template: block })),
      );
      return result.kind === 'response'
        ? { ...result, summary: echoed.mask(result.summary, request.namespace) }
        : result;
    },
    async close() {
      await Promise.all([...opened.values()].map((trigger) => trigger.close()));
    },
  };
}

/** Returns undefined for a kind that cannot fire. */
export function findTrigger(kind: string): { readonly kind: string } | undefined {
  return isSupportedTrigger(kind) ? loadTrigger(kind) : undefined;
}

function loadTrigger<Kind extends SupportedTrigger>(kind: Kind): TriggerOf<Kind> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the file is named by the table of kinds
  const exports = require(`./${fileStem(kind)}`) as Record<string, unknown>;
  const factory = exports[`${kind}Trigger`];
  if (isFactory(factory, kind)) return factory;
  throw new Error(`src/triggers/${fileStem(kind)}.ts has no export ${kind}Trigger of kind ${kind}`);
}

function isFactory<Kind extends SupportedTrigger>(value: unknown, kind: Kind): value is TriggerOf<Kind> {
  return typeof value === 'object' && value !== null && 'create' in value && 'kind' in value && value.kind === kind;
}

type Act<Result> = <Template>(trigger: Trigger<Template>, block: Template) => Result;

function unsupportedKind(kind: TriggerKind): SluiceError {
  return new SluiceError('TRIGGER_UNSUPPORTED', {
    message: `trigger kind ${kind} is not supported yet`,
    fix: `Use one of ${SUPPORTED_TRIGGERS.join(', ')}; a custom trigger reaches any other system`,
  });
}
