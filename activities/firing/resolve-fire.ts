/**
 * Builds the request of one fire from a trigger's template and its events, in this order: parameters of the template,
 * the resource, parameters of the resource, payload, headers, overrides of a retrigger. Also behind `sluice test`.
 */
import { SluiceError } from '../../src/errors/sluice-error';
import type { CloudEvent } from '../../src/event/cloud-event';
import { isJsonObject, toJson, type JsonObject } from '../../src/event/json';
import { isJsonText, valueOf, type JsonDocument } from '../../src/event/json-text';
import { toWorkingCopy } from '../../src/yaml/exact-numbers';
import { triggerTemplate, type TriggerSpec, type TriggerTemplate } from '../../src/manifest/sensor';
import type { TriggerParameter } from '../../src/manifest/parameters';
import type { AccountName } from '../../src/kubernetes/account-token';
import type { ExpressionEngine } from '../../src/expressions/engine';
import { applyParameters, buildPayload, setValues } from '../../src/matching/parameters';
import { triggerKind, type Triggers } from '../../src/triggers/registry';
import type { FireRequest } from '../../src/triggers/trigger';
import { refuseChangedIdentity } from './override-limits';
import type { UnresolvedFire } from './unresolved-fire';

export interface ResolveContext {
  readonly triggers: Pick<Triggers, 'fetchResource'>;
  readonly engine: ExpressionEngine;
  readonly signal: AbortSignal;
  /** Whose rights the trigger has in the cluster; default: the worker's own. */
  readonly account?: AccountName;
}

/** @throws SluiceError SENSOR_PARAMETER_UNRESOLVED, TRIGGER_SOURCE_UNREADABLE, MANIFEST_INVALID, RETRIGGER_REFUSED. */
export async function resolveFire(
  fire: UnresolvedFire,
  context: ResolveContext,
): Promise<FireRequest<TriggerTemplate>> {
  const { sensor, trigger, events } = fire;
  const { triggers, engine, signal, account } = context;
  const apply = (document: JsonDocument, parameters: readonly TriggerParameter[] | undefined): Promise<JsonDocument> =>
    parameters?.length ? applyParameters(document, parameters, events, engine) : Promise.resolve(document);

  let template = trigger.template;
  if (trigger.parameters?.length) template = readTemplate(trigger, await apply(toJson(template), trigger.parameters));
  const { parameters, payload: payloadParameters, dynamicHeaders } = parametersOf(template);
  const { namespace, name } = sensor;
  const fetched = await triggers.fetchResource({ template, namespace, signal, ...(account && { account }) });
  let resource: JsonObject | undefined;
  if (fetched !== undefined) resource = toObject(await apply(fetched, parameters));
  else if (parameters?.length) {
    const kind = triggerKind(template);
    const block = toWorkingCopy(await apply(toJson(template[kind]), parameters));
    template = readTemplate(trigger, { ...toObject(toJson(template)), [kind]: block });
  }
  let payload = payloadParameters?.length ? await buildPayload(payloadParameters, events, engine) : undefined;
  if (fire.overrides !== undefined) {
    if (resource !== undefined) {
      const changed = toObject(await setValues(resource, fire.overrides, engine));
      refuseChangedIdentity(resource, changed);
      resource = changed;
    } else payload = await setValues(payload ?? {}, fire.overrides, engine);
  }
  const headers = await resolveHeaders(dynamicHeaders, events, engine);
  return {
    template,
    fireId: fire.fireId,
    runId: fire.runId,
    namespace,
    sensorName: name,
    triggerName: template.name,
    signal,
    ...(account && { account }),
    events,
    ...(fire.eventKeys && { eventKeys: fire.eventKeys }),
    ...(resource !== undefined && { resource }),
    ...(payload !== undefined && { payload }),
    ...(headers && { dynamicHeaders: headers }),
    ...(trigger.policy && { policy: trigger.policy }),
  };
}

/** Parameters can write anything anywhere in the template, so the result is validated like a manifest. */
function readTemplate(trigger: TriggerSpec, document: JsonDocument): TriggerTemplate {
  const parsed = triggerTemplate.safeParse(valueOf(document));
  if (parsed.success) {
    const exact = isJsonText(document) ? triggerTemplate.safeParse(toWorkingCopy(document)) : parsed;
    return exact.data ?? parsed.data;
  }
  const [issue] = parsed.error.issues;
  throw new SluiceError('MANIFEST_INVALID', {
    message: `trigger ${trigger.template.name}: after its parameters, template.${issue?.path.join('.') ?? ''} is not valid: ${issue?.message ?? ''}`,
    fix: 'Look at the parameter that writes there; numbers and booleans need useRawData: true',
  });
}

interface KindParameters {
  readonly parameters?: readonly TriggerParameter[];
  readonly payload?: readonly TriggerParameter[];
  readonly dynamicHeaders?: readonly TriggerParameter[];
}

function parametersOf(template: TriggerTemplate): KindParameters {
  const block: object & KindParameters = template[triggerKind(template)] ?? {};
  return block;
}

async function resolveHeaders(
  parameters: readonly TriggerParameter[] | undefined,
  events: Readonly<Record<string, CloudEvent>>,
  engine: ExpressionEngine,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (!parameters?.length) return undefined;
  const headers: Record<string, string> = {};
  for (const parameter of parameters) {
    // Header names are not paths, so a dot in one is literal.
    const value = await buildPayload([{ ...parameter, dest: '' }], events, engine);
    if (typeof value === 'string') headers[parameter.dest ?? ''] = value;
  }
  return headers;
}

function toObject(document: JsonDocument): JsonObject {
  const value = toWorkingCopy(document);
  if (isJsonObject(value)) return value;
  throw new SluiceError('SENSOR_PARAMETER_UNRESOLVED', {
    message: 'after its parameters the resource is no longer an object',
    fix: 'A parameter with an empty dest replaces everything; give it a path',
  });
}
