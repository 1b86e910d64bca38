/** The results of Sluice for a case: as in production, and of the engine alone if one question is enough. */
import { isSluiceError } from '../../src/errors/sluice-error';
import { dataOf } from '../../src/event/event-data';
import { readKnownJson, textOf, type JsonDocument } from '../../src/event/json-text';
import { evaluateDependencies } from '../../src/matching/evaluate-dependencies';
import type { ExpressionEngine, ExpressionOutcome, ExpressionRequest } from '../../src/expressions/engine';
import { nextReset } from '../../src/sandbox/conditions/condition-resets';
import { CronSchedule } from '../../src/cron/cron-schedule';
import { evaluateCondition, parseTriggerCondition } from '../../src/sandbox/conditions/conditions';
import { applyParameters, buildPayload } from '../../src/matching/parameters';
import { evaluateSourceFilter } from '../../src/matching/source-filter';
import { transformEvent } from '../../src/matching/transforms';
import { eventOf, type DifferentialCase } from './cases';

/**
 * A document as text, another value, or the mark that there is none. Only whether something fails is compared, not its
 * message.
 */
export type Answer = { readonly document: string } | { readonly value: unknown } | { readonly failed: string };

type CaseOf<Kind extends DifferentialCase['kind']> = Extract<DifferentialCase, { kind: Kind }>;

const NAMES = { name: 'dep', eventSourceName: 'stac', eventName: 'items' };

export async function answerOf(each: DifferentialCase, engine: ExpressionEngine): Promise<Answer> {
  try {
    return await compute(each, engine);
  } catch (error) {
    if (isSluiceError(error)) return { failed: error.message };
    throw error;
  }
}

async function compute(each: DifferentialCase, engine: ExpressionEngine): Promise<Answer> {
  switch (each.kind) {
    case 'transform': {
      const { transform, data } = each;
      const result = await transformEvent(eventOf(data), { ...NAMES, transform }, engine);
      if (result.outcome === 'failed') return { failed: result.failure.message };
      const changed = dataOf(result.event);
      return changed.kind === 'json' ? { document: textOf(changed.value) } : { failed: 'no data' };
    }
    case 'filters':
      return { value: await isMatched(each, engine) };
    case 'parameters': {
      const events = { dep: eventOf(each.data) };
      return { document: textOf(await applyParameters(readKnownJson(each.document), each.parameters, events, engine)) };
    }
    case 'payload': {
      const payload = await buildPayload(each.parameters, { dep: eventOf(each.data) }, engine);
      const isWhole = each.parameters.some(({ dest }) => !dest) && typeof payload === 'string';
      if (isWhole) return { value: { whole: payload } };
      return payload === undefined ? { value: {} } : { document: textOf(payload) };
    }
    case 'condition': {
      const condition = parseTriggerCondition(each.expression, each.names);
      return { value: evaluateCondition(condition, (name) => each.present.includes(name)) };
    }
    case 'cron':
      return { value: ticks(each) };
    case 'source': {
      const [verdict] = await evaluateSourceFilter(each.expression, [readKnownJson(each.data)], engine);
      return verdict?.outcome === 'failed' ? { failed: verdict.reason } : { value: verdict?.outcome === 'passed' };
    }
  }
}

/** Resolves with the engine's own result, or undefined if the case needs more than one question. */
export async function engineAnswerOf(each: DifferentialCase, engine: ExpressionEngine): Promise<Answer | undefined> {
  const request = onlyRequest(each);
  if (!request) return undefined;
  const outcome: ExpressionOutcome<unknown> = await engine.evaluate(request);
  if (request.kind === 'dataFilter') return { value: outcome.ok && hasPassed(outcome.value) };
  if (!outcome.ok) return { failed: outcome.message };
  return { document: textOf(outcome.value as JsonDocument) }; // only jq is left
}

function onlyRequest(each: DifferentialCase): ExpressionRequest | undefined {
  if (each.kind === 'transform' && each.transform.jq !== undefined) {
    return { kind: 'jq', program: each.transform.jq, data: readKnownJson(each.data) };
  }
  if (each.kind !== 'filters') return undefined;
  const { data, ...others } = each.filters;
  const [filter, ...more] = data ?? [];
  const isAlone = filter !== undefined && more.length === 0 && Object.keys(others).length === 0;
  return isAlone ? { kind: 'dataFilter', filter, data: readKnownJson(each.data) } : undefined;
}

function hasPassed(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'passed' in value && value.passed === true;
}

async function isMatched({ data, filters, operator, time }: CaseOf<'filters'>, engine: ExpressionEngine) {
  const dependency = { ...NAMES, filters, ...(operator !== undefined && { filtersLogicalOperator: operator }) };
  const [verdict] = await evaluateDependencies([{ event: eventOf(data, time), dependency }], engine);
  return verdict?.outcome === 'matched';
}

function ticks({ cron, timezone, times }: CaseOf<'cron'>): string[] {
  const schedule = { cron, ...(timezone !== '' && { timezone }) };
  new CronSchedule(schedule);
  return times.map((time) => {
    const next = nextReset([schedule], Date.parse(time));
    return next === undefined ? 'never' : `${new Date(next).toISOString().slice(0, 19)}Z`;
  });
}
