/** Every kind of trigger, one sorted line each, and the way to the one that a template names. */
import { SluiceError } from '../errors';
import type { JsonObject, JsonValue } from '../event/json';
import type { TriggerKind, TriggerTemplate } from '../manifest/sensor';
import { argoWorkflowTrigger } from './argo-workflow';
import { customTrigger } from './custom';
import { EchoedSecrets } from './echoed-secrets';
import { emailTrigger } from './email';
import { httpTrigger } from './http';
import { k8sTrigger } from './k8s';
import { kafkaTrigger } from './kafka';
import { logTrigger } from './log';
import { natsTrigger } from './nats';
import { slackTrigger } from './slack';
import type { FireRequest, FireResult, ResourceRequest, Trigger, TriggerDependencies, TriggerFactory } from './trigger';

const factories = {
  argoWorkflow: argoWorkflowTrigger,
  custom: customTrigger,
  email: emailTrigger,
  http: httpTrigger,
  k8s: k8sTrigger,
  kafka: kafkaTrigger,
  log: logTrigger,
  nats: natsTrigger,
  slack: slackTrigger,
} satisfies { [Kind in TriggerKind]?: TriggerFactory<Block<Kind>> };

/** What a manifest says under `template.<kind>`. */
type Block<Kind extends TriggerKind> = NonNullable<TriggerTemplate[Kind]>;

export type SupportedTriggerKind = keyof typeof factories;

/** Kinds of Argo Events whose manifests are valid but which cannot fire yet. */
const UNSUPPORTED_KINDS: ReadonlyArray<Exclude<TriggerKind, SupportedTriggerKind>> = [
  'awsLambda',
  'azureEventHubs',
  'azureServiceBus',
  'openWhisk',
  'pulsar',
];

const SUPPORTED_KINDS = Object.keys(factories).filter(isSupportedKind);

export function isSupportedKind(kind: string): kind is SupportedTriggerKind {
  return Object.hasOwn(factories, kind);
}

/** A trigger's `template`, as far as its kind is concerned. */
export type KindBlocks = Pick<TriggerTemplate, TriggerKind>;

/** The one kind that a template sets. Throws MANIFEST_INVALID for none or several. */
export function triggerKind(template: KindBlocks): TriggerKind {
  const kinds = [...SUPPORTED_KINDS, ...UNSUPPORTED_KINDS].filter((kind) => template[kind] !== undefined);
  const [kind, ...others] = kinds;
  if (kind !== undefined && others.length === 0) return kind;
  throw new SluiceError('MANIFEST_INVALID', {
    message: `trigger template sets ${kinds.length === 0 ? 'no kind' : kinds.join(' and ')}, expected exactly one kind`,
    fix: `Set one of ${SUPPORTED_KINDS.join(', ')}`,
  });
}

type WithoutTemplate<Request> = Omit<Request, 'template'>;

/** One worker's triggers, each made when first needed. All calls throw TRIGGER_UNSUPPORTED for kinds that cannot fire. */
export interface Triggers {
  /** See Trigger.fetchResource; undefined for kinds without a resource. */
  fetchResource(
    template: KindBlocks,
    request: WithoutTemplate<ResourceRequest<never>>,
  ): Promise<JsonObject | undefined>;
  /** See Trigger.preview; undefined for kinds that cannot say. */
  preview(template: KindBlocks, request: WithoutTemplate<FireRequest<never>>): JsonValue | undefined;
  fire(template: KindBlocks, request: WithoutTemplate<FireRequest<never>>): Promise<FireResult>;
  /** Idempotent. */
  close(): Promise<void>;
}

export function createTriggers(dependencies: TriggerDependencies): Triggers {
  const factoryOf: { readonly [Kind in SupportedTriggerKind]: TriggerFactory<Block<Kind>> } = factories;
  const opened = new Map<SupportedTriggerKind, Trigger<never>>();
  const echoed = new EchoedSecrets();
  const shared: TriggerDependencies = { ...dependencies, secrets: echoed.remember(dependencies.secrets) };

  /** Calls `act` with the trigger of the kind that is set, and with its block. */
  function on<Result>(template: KindBlocks, act: Act<Result>): Result {
    const kind = triggerKind(template);
    if (!isSupportedKind(kind)) throw unsupportedKind(kind);
    return onKind(kind, template[kind], act);
  }

  function onKind<Kind extends SupportedTriggerKind, Result>(
    kind: Kind,
    block: TriggerTemplate[Kind],
    act: Act<Result>,
  ): Result {
    if (!block) throw unsupportedKind(kind);
    const trigger: Trigger<Block<Kind>> = opened.get(kind) ?? factoryOf[kind].create(shared);
    opened.set(kind, trigger);
    return act(trigger, block);
  }

  return {
    fetchResource: async (template, request) =>
      await echoed.withoutSecrets(request.namespace, async () =>
        on(template, (trigger, block) => trigger.fetchResource?.({ ...request, template: block })),
      ),
    preview: (template, request) =>
      on(template, (trigger, block) => trigger.preview?.({ ...request, template: block })),
    fire: async (template, request) => {
      const result = await echoed.withoutSecrets(request.namespace, async () =>
        on(template, (trigger, block) => trigger.fire({ ...request, template: block })),
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

type Act<Result> = <Template>(trigger: Trigger<Template>, block: Template) => Result;

function unsupportedKind(kind: TriggerKind): SluiceError {
  return new SluiceError('TRIGGER_UNSUPPORTED', {
    message: `trigger kind ${kind} is not supported yet`,
    fix: `Use one of ${SUPPORTED_KINDS.join(', ')}; a custom trigger reaches any other system`,
  });
}
