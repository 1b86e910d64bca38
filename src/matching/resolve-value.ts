/** Where a parameter's value comes from: a key or template over an event's data or context, or its default. */
import { SluiceError } from '../errors/sluice-error';
import type { CloudEvent } from '../event/cloud-event';
import { dataOf } from '../event/event-data';
import { isJsonText, textOf, type JsonDocument } from '../event/json-text';
import type { TriggerParameterSource } from '../manifest/parameters';
import { contextOf, wholeEventText } from './event-view';
import type { ExpressionEngine, GjsonType } from '../expressions/engine';
import { gjsonText, gjsonType } from '../expressions/go-values';
import { visibleToTemplate } from './named-keys';
import { lookUpPlainPath } from '../expressions/fast-paths/plain-path';
import { renderPlainTemplate } from '../expressions/fast-paths/plain-template';

/** Events of a fire by dependency name. */
export type EventsByDependency = Readonly<Record<string, CloudEvent>>;

export interface ResolvedValue {
  readonly text: string;
  /** `String` unless the value comes from a key. */
  readonly type: GjsonType;
  /** The value itself, if it comes from a key. */
  readonly json?: JsonDocument;
}

type Attempt<Value> = { readonly value: Value } | { readonly problem: string };

/**
 * The value of a parameter source; undefined if its dependency has no event in this fire (usual under `||`) and there
 * is no default. Order: template, then key, then default. Data takes precedence over context.
 *
 * Throws SENSOR_PARAMETER_UNRESOLVED if the event exists but no value is found.
 */
export async function resolveValue(
  source: TriggerParameterSource,
  events: EventsByDependency,
  engine: ExpressionEngine,
): Promise<ResolvedValue | undefined> {
  const event = Object.hasOwn(events, source.dependencyName) ? events[source.dependencyName] : undefined;
  if (!event) return source.value === undefined ? undefined : textValue(source.value);

  const selector = selectorOf(source);
  if (!selector) return textValue(source.value ?? wholeEventText(event));

  const problems: string[] = [];
  const document = await documentOf(selector.from, event, engine);
  if ('problem' in document) {
    problems.push(document.problem);
  } else {
    for (const attempt of attempts(selector, document.value, engine)) {
      const outcome = await attempt();
      if ('value' in outcome) return outcome.value;
      problems.push(outcome.problem);
    }
  }
  if (source.value !== undefined) return textValue(source.value);
  throw unresolved(source, problems);
}

interface Selector {
  readonly from: 'data' | 'context';
  readonly template: string | undefined;
  readonly key: string | undefined;
}

function selectorOf(source: TriggerParameterSource): Selector | undefined {
  if (source.dataKey || source.dataTemplate) {
    return { from: 'data', template: source.dataTemplate, key: source.dataKey };
  }
  if (source.contextKey || source.contextTemplate) {
    return { from: 'context', template: source.contextTemplate, key: source.contextKey };
  }
  return undefined;
}

async function documentOf(
  from: Selector['from'],
  event: CloudEvent,
  engine: ExpressionEngine,
): Promise<Attempt<JsonDocument>> {
  if (from === 'context') return { value: contextOf(event) };
  if (event.data !== undefined) return { value: event.data };
  const data = dataOf(event);
  if (data.kind === 'none') return { problem: 'the event has no data' };
  const contentType = event.datacontenttype.split(';')[0]?.trim();
  if (contentType === 'application/yaml') {
    const text = data.kind === 'json' ? textOf(data.value) : data.text;
    const converted = await engine.evaluate({ kind: 'yaml', text });
    return converted.ok ? converted : { problem: `the event data is not YAML: ${converted.message}` };
  }
  if (data.kind === 'json') return data;
  return { problem: `the event data is not JSON (its content type is ${event.datacontenttype})` };
}

function attempts(
  { template, key }: Selector,
  document: JsonDocument,
  engine: ExpressionEngine,
): (() => Promise<Attempt<ResolvedValue>>)[] {
  return [
    ...(template ? [() => render(template, document, engine)] : []),
    ...(key ? [() => lookUp(key, document, engine)] : []),
  ];
}

async function render(
  template: string,
  input: JsonDocument,
  engine: ExpressionEngine,
): Promise<Attempt<ResolvedValue>> {
  const text = renderPlainTemplate(template, input);
  if (text !== undefined && text !== '' && text !== '<no value>') return { value: textValue(text) };
  const rendered = await engine.evaluate({ kind: 'template', template, input: visibleToTemplate(template, input) });
  return rendered.ok ? { value: textValue(rendered.value) } : { problem: rendered.message };
}

async function lookUp(path: string, data: JsonDocument, engine: ExpressionEngine): Promise<Attempt<ResolvedValue>> {
  const found = lookUpPlainPath(data, path);
  if (found?.exists) return { value: keyValue(found.value) };
  if (found) return { problem: `path '${path}' does not exist` };
  const outcome = await engine.evaluate({ kind: 'get', path, data });
  if (!outcome.ok) return { problem: outcome.message };
  if (!outcome.value.exists) return { problem: `path '${path}' does not exist` };
  const { text, type, json } = outcome.value;
  return { value: { text, type, json } };
}

function keyValue(json: JsonDocument): ResolvedValue {
  return { text: parameterText(json), type: gjsonType(json), json };
}

/** Texts of objects and lists: many parameters may use the same large one. */
const texts = new WeakMap<object, string>();

function parameterText(json: JsonDocument): string {
  if (json === null) return 'null';
  if (typeof json !== 'object' || isJsonText(json)) return gjsonText(json);
  const known = texts.get(json);
  if (known !== undefined) return known;
  const text = gjsonText(json);
  texts.set(json, text);
  return text;
}

function textValue(text: string): ResolvedValue {
  return { text, type: 'String' };
}

function unresolved(source: TriggerParameterSource, problems: readonly string[]): SluiceError {
  return new SluiceError('SENSOR_PARAMETER_UNRESOLVED', {
    message: `No value from the event of dependency "${source.dependencyName}": ${problems.join('; ')}`,
    fix: 'Correct the key or template, or give the parameter a default in src.value',
    context: { dependency: source.dependencyName, key: source.dataKey ?? source.contextKey },
  });
}
