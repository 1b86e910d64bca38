/** Transforms: jq or Lua replaces an event's data before the filters see it. */
import type { CloudEvent } from '../event/cloud-event';
import { dataAttributes, dataOf } from '../event/event-data';
import { MAX_DATA_DEPTH, measureDepth } from '../event/json';
import { isJsonText, valueOf, type JsonDocument } from '../event/json-text';
import type { Dependency } from '../manifest/filters';
import type { ExpressionEngine, ExpressionFailure, ExpressionOutcome } from '../expressions/engine';
import { transformPlainJq } from '../expressions/fast-paths/plain-jq';

export type TransformResult =
  | { readonly outcome: 'unchanged'; readonly event: CloudEvent }
  | { readonly outcome: 'changed'; readonly clause: TransformClause; readonly event: CloudEvent }
  | { readonly outcome: 'failed'; readonly clause: TransformClause; readonly failure: ExpressionFailure };
export type TransformClause = 'transform.jq' | 'transform.script';

/** An event without data stays as it is. The result is always JSON, whatever the content type was. */
export async function transformEvent(
  event: CloudEvent,
  dependency: Dependency,
  engine: ExpressionEngine,
): Promise<TransformResult> {
  const { jq, script } = dependency.transform ?? {};
  const data = dataOf(event);
  if ((!jq && !script) || data.kind === 'none') return { outcome: 'unchanged', event };
  const clause = jq ? 'transform.jq' : 'transform.script'; // jq takes precedence if both are set.
  if (data.kind === 'notJson') {
    const failure = { ok: false, code: 'EVENT_UNDECODABLE', message: 'the event data is not JSON' } as const;
    return { outcome: 'failed', clause, failure };
  }
  const outcome = await evaluateTransform(jq, script ?? '', data.value, engine);
  if (!outcome.ok) return { outcome: 'failed', clause, failure: outcome };
  return { outcome: 'changed', clause, event: withData(event, outcome.value) };
}

/** `fromjson` and a recursive script can turn flat text into a document too deep for later stages. */
function limitDepth(outcome: ExpressionOutcome<JsonDocument>): ExpressionOutcome<JsonDocument> {
  if (!outcome.ok) return outcome;
  const depth = measureDepth(valueOf(outcome.value));
  if (depth <= MAX_DATA_DEPTH) return outcome;
  const message = `the result is nested ${depth} levels deep; at most ${MAX_DATA_DEPTH} are accepted`;
  return { ok: false, code: 'EXPRESSION_FAILED', message };
}

async function evaluateTransform(
  jq: string | undefined,
  script: string,
  data: JsonDocument,
  engine: ExpressionEngine,
): Promise<ExpressionOutcome<JsonDocument>> {
  if (!jq) return limitDepth(await engine.evaluate({ kind: 'luaTransform', script, data }));
  // Its result is hardly deeper than the data.
  const quickly = isJsonText(data) ? undefined : transformPlainJq(jq, data);
  if (quickly) return { ok: true, value: quickly };
  return limitDepth(await engine.evaluate({ kind: 'jq', program: jq, data }));
}

function withData(event: CloudEvent, data: JsonDocument): CloudEvent {
  const { data: _data, data_base64: _bytes, ...rest } = event;
  return { ...rest, datacontenttype: 'application/json', ...dataAttributes(data) };
}
