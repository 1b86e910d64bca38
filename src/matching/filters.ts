/**
 * The filters of a dependency: kinds `exprs`, `data`, `context`, `time` and `script`, joined by and/or.
 *
 * A clause that cannot be evaluated counts as a mismatch and its reason is kept; under `or` another clause may still
 * let the event pass (Argo Events drops the event instead, contrary to its own documentation).
 */
import type { CloudEvent } from '../event/cloud-event';
import { dataOf, type EventData } from '../event/event-data';
import type { JsonDocument } from '../event/json-text';
import type { Dependency, DependencyFilters } from '../manifest/filters';
import { failed, passed, verdictFrom } from './clause-verdict';
import type { ClauseVerdict } from './clause-verdict';
import { decideContextFilter } from './context-filter';
import { decideDataFilter, decideDataFilterQuickly } from './data-filter';
import { shortText } from './short-text';
import { decideExprFilter } from './expr-filter';
import type { ExpressionEngine } from '../expressions/engine';
import { visibleToLua } from './named-keys';
import { decideTimeFilter } from './time-filter';

type LogicalOperator = 'and' | 'or';

/** A clause on one event: its verdict, or how to get it from the engine. */
export interface Clause {
  /** Path in the dependency, such as `filters.data[0]`. */
  readonly clause: string;
  readonly verdict: ClauseVerdict | undefined;
  readonly decide?: (engine: ExpressionEngine) => Promise<ClauseVerdict>;
}

/** Clauses of one kind; a kind that is not configured has no group. */
interface ClauseGroup {
  readonly clause: string;
  readonly operator: LogicalOperator;
  readonly clauses: readonly Clause[];
}

export interface FilterPlan {
  readonly operator: LogicalOperator;
  readonly groups: readonly ClauseGroup[];
}

/** Decides the clauses that do not need the engine; the rest is left to `decideClauses`. */
export function planFilters(event: CloudEvent, dependency: Dependency): FilterPlan {
  const filters = dependency.filters;
  return {
    operator: dependency.filtersLogicalOperator ?? 'and',
    groups: filters ? [...dataGroups(filters, dataOf(event)), ...contextGroups(filters, event)] : [],
  };
}

/** The same plan with every clause decided. */
export async function decideClauses(plan: FilterPlan, engine: ExpressionEngine): Promise<FilterPlan> {
  const groups = plan.groups.map(async (group) => ({
    ...group,
    clauses: await Promise.all(group.clauses.map((clause) => decideClause(clause, engine))),
  }));
  return { ...plan, groups: await Promise.all(groups) };
}

async function decideClause(clause: Clause, engine: ExpressionEngine): Promise<Clause> {
  if (clause.verdict || !clause.decide) return clause;
  return { clause: clause.clause, verdict: await clause.decide(engine) };
}

/** Whether the event passes. Undefined while an undecided clause could still change the result. */
export function isPassing(plan: FilterPlan): boolean | undefined {
  // `filters: {}` with `or` lets nothing pass: no clause matches.
  if (plan.groups.length === 0) return plan.operator === 'and';
  return combine(plan.operator, plan.groups.map(isGroupPassing));
}

export function isGroupPassing(group: ClauseGroup): boolean | undefined {
  return combine(
    group.operator,
    group.clauses.map(({ verdict }) => verdict && verdict.outcome === 'passed'),
  );
}

function combine(operator: LogicalOperator, answers: readonly (boolean | undefined)[]): boolean | undefined {
  const decisive = operator === 'or';
  if (answers.includes(decisive)) return decisive;
  return answers.includes(undefined) ? undefined : !decisive;
}

function dataGroups(filters: DependencyFilters, data: EventData): ClauseGroup[] {
  const { exprs, data: dataFilters, script } = filters;
  const groups: ClauseGroup[] = [];
  if (exprs !== undefined) {
    const clauses = exprs.map((filter, index) => {
      const clause = `filters.exprs[${index}]`;
      return clauseOnData(clause, data, (value, engine) => decideExprFilter(filter, value, engine));
    });
    // An empty list of expressions rejects events under `or`, except those without data.
    const operator = clauses.length === 0 && data.kind === 'none' ? 'and' : (filters.exprLogicalOperator ?? 'and');
    groups.push({ clause: 'filters.exprs', operator, clauses });
  }
  if (dataFilters !== undefined) {
    const clauses = dataFilters.map((filter, index) => {
      const clause = `filters.data[${index}]`;
      const verdict = data.kind === 'json' ? decideDataFilterQuickly(filter, data.value) : undefined;
      if (verdict) return { clause, verdict };
      return clauseOnData(clause, data, (value, engine) => decideDataFilter(filter, value, engine));
    });
    // An empty list of data filters passes with either operator; an empty list of expressions does not under `or`.
    const operator = clauses.length === 0 ? 'and' : (filters.dataLogicalOperator ?? 'and');
    groups.push({ clause: 'filters.data', operator, clauses });
  }
  if (script) {
    const clause = clauseOnData('filters.script', data, (value, engine) => decideScriptFilter(script, value, engine));
    groups.push({ clause: clause.clause, operator: 'and', clauses: [clause] });
  }
  return groups;
}

function contextGroups(filters: DependencyFilters, event: CloudEvent): ClauseGroup[] {
  const groups: ClauseGroup[] = [];
  const add = (clause: string, verdict: ClauseVerdict) =>
    groups.push({ clause, operator: 'and', clauses: [{ clause, verdict }] });
  if (filters.context) add('filters.context', decideContextFilter(filters.context, event));
  if (filters.time) add('filters.time', decideTimeFilter(filters.time, event));
  return groups;
}

/** Rules for all clauses on data: an event without data passes, data that is not JSON cannot be evaluated. */
function clauseOnData(
  clause: string,
  data: EventData,
  decide: (value: JsonDocument, engine: ExpressionEngine) => Promise<ClauseVerdict>,
): Clause {
  switch (data.kind) {
    case 'none':
      return { clause, verdict: passed('the event has no data') };
    case 'notJson':
      return { clause, verdict: failed({ code: 'EVENT_UNDECODABLE', message: 'the event data is not JSON' }) };
    case 'json':
      return { clause, verdict: undefined, decide: (engine) => decide(data.value, engine) };
  }
}

async function decideScriptFilter(
  script: string,
  data: JsonDocument,
  engine: ExpressionEngine,
): Promise<ClauseVerdict> {
  const outcome = await engine.evaluate({ kind: 'luaFilter', script, data: visibleToLua(script, data) });
  if (!outcome.ok) return failed(outcome);
  return verdictFrom(outcome.value.passed, `the script returned ${shortText(outcome.value.found)}, wanted true`);
}
