/** Evaluates whether an event satisfies a dependency: transform, then filters. The result always has the reason. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ErrorCode } from '../errors/sluice-error';
import type { CloudEvent } from '../event/cloud-event';
import { dataOf } from '../event/event-data';
import type { JsonDocument } from '../event/json-text';
import type { ItemFilter } from '../manifest/annotations';
import type { Dependency } from '../manifest/filters';
import type { ClauseVerdict } from './clause-verdict';
import type { ExpressionEngine } from '../expressions/engine';
import { decideClauses, isGroupPassing, isPassing, planFilters } from './filters';
import type { FilterPlan } from './filters';
import { decideItemFilter, type ItemClause } from './item-filter';
import { transformEvent } from './transforms';
import type { TransformResult } from './transforms';

const LONGEST_TURN_MS = 20;

export interface EventAndDependency {
  readonly event: CloudEvent;
  readonly dependency: Dependency;
  /** Annotations `sluice.io/stac-*`. */
  readonly itemFilter?: ItemFilter | undefined;
}

export type DependencyVerdict =
  /** `event` is the transformed one. */
  | { readonly outcome: 'matched'; readonly event: CloudEvent }
  /** `clause` is a path in the dependency (`filters.data[0]`) or an annotation, `reason` the value found there and the expected one. */
  | { readonly outcome: 'filtered'; readonly clause: string; readonly reason: string }
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly clause: string; readonly reason: string };

/**
 * One verdict per pair, in the same order. Calls the engine only if the result depends on it, once for all pairs.
 *
 * The caller checks that an event's source and subject match the dependency. A failing expression is a verdict; throws
 * only what the engine throws.
 */
export async function evaluateDependencies(
  pairs: readonly EventAndDependency[],
  engine: ExpressionEngine,
): Promise<DependencyVerdict[]> {
  const verdicts: Array<Promise<DependencyVerdict>> = [];
  let turnBegan = performance.now();
  for (const pair of pairs) {
    const verdict = evaluateDependency(pair, engine);
    // Reported below; meanwhile it must not count as unhandled.
    verdict.catch(() => undefined);
    verdicts.push(verdict);
    // A batch for a sensor with thousands of dependencies must not hold up the other sensors of the worker.
    if (performance.now() - turnBegan > LONGEST_TURN_MS) {
      await nextTurn();
      turnBegan = performance.now();
    } else await Promise.resolve();
  }
  return await Promise.all(verdicts);
}

async function evaluateDependency(
  { event, dependency, itemFilter }: EventAndDependency,
  engine: ExpressionEngine,
): Promise<DependencyVerdict> {
  const unwanted = itemFilter && refusalByItem(decideItemFilter(itemFilter, event));
  if (unwanted !== undefined) return unwanted;
  const transformed = await transformEvent(event, dependency, engine);
  if (transformed.outcome === 'failed') return failedTransform(transformed);
  const plan = planFilters(transformed.event, dependency);
  // A decided plan is reported as it is, so that the reason does not depend on clauses that need not be evaluated.
  return verdictOf(transformed.event, isPassing(plan) === undefined ? await decideClauses(plan, engine) : plan);
}

/** Every value that `evaluateDependencies` examines, for `sluice test` and `sluice explain`. */
export interface DependencyTrace {
  readonly dependency: string;
  /** Absent without a transform, and for an event without data. */
  readonly transform?: {
    readonly clause: string;
    readonly outcome: 'changed' | 'failed';
    /** The data after a successful transform. */
    readonly data?: JsonDocument;
    /** Why it failed. */
    readonly reason?: string;
  };
  /** Every clause of the filters, including those that could no longer change the verdict. */
  readonly clauses: readonly DecidedClause[];
  readonly verdict: DependencyVerdict;
}

/** Decides one event and dependency as above, and returns every step. Slower: every clause is evaluated. */
export async function explainDependency(
  event: CloudEvent,
  dependency: Dependency,
  engine: ExpressionEngine,
  itemFilter?: ItemFilter,
): Promise<DependencyTrace> {
  const ofItem = itemFilter === undefined ? [] : decideItemFilter(itemFilter, event);
  const itemClauses = ofItem.map(({ clause, verdict }) => ({ clause, ...verdict }));
  const unwanted = refusalByItem(ofItem);
  if (unwanted !== undefined) return { dependency: dependency.name, clauses: itemClauses, verdict: unwanted };
  const transformed = await transformEvent(event, dependency, engine);
  const transform = traceOf(transformed);
  const common = { dependency: dependency.name, ...(transform && { transform }) };
  if (transformed.outcome === 'failed')
    return { ...common, clauses: itemClauses, verdict: failedTransform(transformed) };
  const plan = planFilters(transformed.event, dependency);
  const decided = await decideClauses(plan, engine);
  const verdict = verdictOf(transformed.event, isPassing(plan) === undefined ? decided : plan);
  return { ...common, clauses: [...itemClauses, ...decidedClauses(decided.groups)], verdict };
}

function traceOf(transformed: TransformResult): DependencyTrace['transform'] {
  switch (transformed.outcome) {
    case 'unchanged':
      return undefined;
    case 'changed': {
      const data = dataOf(transformed.event);
      return { clause: transformed.clause, outcome: 'changed', ...(data.kind === 'json' && { data: data.value }) };
    }
    case 'failed':
      return { clause: transformed.clause, outcome: 'failed', reason: transformed.failure.message };
  }
}

function failedTransform({ clause, failure }: Extract<TransformResult, { outcome: 'failed' }>): DependencyVerdict {
  return { outcome: 'failed', code: failure.code, clause, reason: failure.message };
}

type DecidedClause = { readonly clause: string } & ClauseVerdict;

function decidedClauses(groups: FilterPlan['groups']): DecidedClause[] {
  return groups
    .flatMap((group) => group.clauses)
    .flatMap(({ clause, verdict }) => (verdict ? [{ clause, ...verdict }] : []));
}

type Refusal = Exclude<DependencyVerdict, { outcome: 'matched' }>;

function verdictOf(event: CloudEvent, plan: FilterPlan): DependencyVerdict {
  if (isPassing(plan)) return { outcome: 'matched', event };
  const refusals = plan.groups
    .filter((group) => isGroupPassing(group) === false)
    .flatMap((group) => blame(group.operator, group.clause, decidedClauses([group]).flatMap(refusalOf)) ?? []);
  const nothingSet: DependencyVerdict = {
    outcome: 'filtered',
    clause: 'filters',
    reason: 'no filter is set, and "or" needs one',
  };
  return blame(plan.operator, 'filters', refusals) ?? nothingSet;
}

function refusalByItem(clauses: readonly ItemClause[]): Refusal | undefined {
  return blame(
    'and',
    'sluice.io/stac-*',
    clauses.flatMap(({ clause, verdict }) => refusalOf({ clause, ...verdict })),
  );
}

function refusalOf({ clause, ...verdict }: DecidedClause): Refusal[] {
  switch (verdict.outcome) {
    case 'passed':
      return [];
    case 'refused':
      return [{ outcome: 'filtered', clause, reason: verdict.reason }];
    case 'failed':
      return [{ outcome: 'failed', code: verdict.code, clause, reason: verdict.reason }];
  }
}

/**
 * The one refusal to show. Under `and` a plain mismatch decides, whatever else failed. Under `or` no clause matched: an
 * error among them may be the only reason why the event did not pass.
 */
function blame(operator: 'and' | 'or', clause: string, refusals: readonly Refusal[]): Refusal | undefined {
  const [first] = refusals;
  if (operator === 'and') return refusals.find(({ outcome }) => outcome === 'filtered') ?? first;
  const error = refusals.find(({ outcome }) => outcome === 'failed');
  if (error || refusals.length < 2) return error ?? first;
  return { outcome: 'filtered', clause, reason: refusals.map((each) => `${each.clause}: ${each.reason}`).join('; ') };
}
