/**
 * Builds the request of one fire from a trigger's template and its events, in this order: parameters of the template,
 * the resource, parameters of the resource, payload, headers, overrides of a retrigger. Also behind `sluice test`.
 */
import { SluiceError } from '../../src/errors/sluice-error';
import { eventKey, type CloudEvent } from '../../src/event/cloud-event';
import { dataAttributes, jsonOf } from '../../src/event/event-data';
import { isJsonObject, toJson, type JsonObject } from '../../src/event/json';
import { isJsonText, joinList, valueOf, type JsonDocument } from '../../src/event/json-text';
import { shortHash } from '../../src/event/short-id';
import { toWorkingCopy } from '../../src/yaml/exact-numbers';
import { triggerTemplate, type TriggerSpec, type TriggerTemplate } from '../../src/manifest/sensor';
import type { TriggerParameter } from '../../src/manifest/parameters';
import type { ExpressionEngine } from '../../src/expressions/engine';
import type { Overrides } from '../../src/contract/overrides';
import { applyParameters, buildPayload, setValues } from '../../src/matching/parameters';
import { triggerKind, type Triggers } from '../../src/triggers/registry';
import type { FireRequest } from '../../src/triggers/trigger';
import type { ObjectName } from '../../src/contract/definitions';
import type { Fire } from '../../src/contract/run-messages';
import { refuseChangedIdentity } from './override-limits';

export interface UnresolvedFire {
  readonly sensor: ObjectName;
  readonly runId: string;
  readonly fireId: string;
  readonly trigger: TriggerSpec;
  readonly events: Readonly<Record<string, CloudEvent>>;
  /** Keys of all events, if `events` holds one that stands for several. */
  readonly eventKeys?: readonly string[];
  /** sjson path in the resource or payload → value. */
  readonly overrides?: Overrides;
}

export interface ResolvedFire {
  readonly template: TriggerTemplate;
  readonly request: Omit<FireRequest<never>, 'template'>;
}

export interface ResolveContext {
  readonly triggers: Pick<Triggers, 'fetchResource'>;
  readonly engine: ExpressionEngine;
  readonly signal: AbortSignal;
}

/** @throws SluiceError SENSOR_PARAMETER_UNRESOLVED, TRIGGER_SOURCE_UNREADABLE, MANIFEST_INVALID, RETRIGGER_REFUSED. */
export async function resolveFire(fire: UnresolvedFire, context: ResolveContext): Promise<ResolvedFire> {
  const { sensor, trigger, events } = fire;
  const { triggers, engine, signal } = context;
  const apply = (document: JsonDocument, parameters: readonly TriggerParameter[] | undefined): Promise<JsonDocument> =>
    parameters?.length ? applyParameters(document, parameters, events, engine) : Promise.resolve(document);

  let template = trigger.template;
  if (trigger.parameters?.length) template = readTemplate(trigger, await apply(toJson(template), trigger.parameters));
  const { parameters, payload: payloadParameters, dynamicHeaders } = parametersOf(template);
  const { namespace, name } = sensor;
  const fetched = await triggers.fetchResource(template, { namespace, signal });
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
    request: {
      fireId: fire.fireId,
      runId: fire.runId,
      namespace,
      sensorName: name,
      triggerName: template.name,
      signal,
      events,
      ...(fire.eventKeys === undefined ? {} : { eventKeys: fire.eventKeys }),
      ...(resource === undefined ? {} : { resource }),
      ...(payload === undefined ? {} : { payload }),
      ...(headers === undefined ? {} : { dynamicHeaders: headers }),
      ...(trigger.policy === undefined ? {} : { policy: trigger.policy }),
    },
  };
}

/** Returns the events of one fire by dependency; for a collecting trigger, one each, whose data is the list. */
export function loadFireEvents(fire: Fire, events: readonly CloudEvent[]): Readonly<Record<string, CloudEvent>> {
  return Object.fromEntries(
    Object.entries(fire.dependencies).flatMap(([name, indexes]) => {
      const list = indexes.map((index) => events[index]).filter((event) => event !== undefined);
      const last = list.at(-1);
      if (last === undefined) return [];
      return [[name, fire.collected ? collectEvents(last, list) : last]];
    }),
  );
}

/** Returns the key of every event of a collecting trigger, each once. */
export function loadEventKeys(fire: Fire, events: readonly CloudEvent[]): readonly string[] {
  const indexes = [...new Set(Object.values(fire.dependencies).flat())];
  return indexes
    .map((index) => events[index])
    .filter((event) => event !== undefined)
    .map(eventKey);
}

function collectEvents(last: CloudEvent, list: readonly CloudEvent[]): CloudEvent {
  const { data: _data, data_base64: _bytes, ...rest } = last;
  return {
    ...rest,
    id: `${list.length}-events-${shortHash(list.map(eventKey).join(' '), 12)}`,
    datacontenttype: 'application/json',
    ...dataAttributes(joinList(list.map((event) => jsonOf(event) ?? event.data_base64 ?? null))),
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
