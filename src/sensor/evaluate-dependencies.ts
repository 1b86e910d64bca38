/** Does an event satisfy a dependency? Transform, then filters; the answer always says why. */
import type { ErrorCode } from '../errors';
import type { CloudEvent } from '../event/cloud-event';
import type { JsonValue } from '../event/json';
import type { Dependency } from '../manifest/filters';
import type { ClauseVerdict } from './clause-verdict';
import type { ExpressionEngine } from './expression-engine';
import { decideClauses, isGroupPassing, isPassing, planFilters } from './filters';
import type { FilterPlan } from './filters';
import { transformEvent } from './transforms';
import type { TransformResult } from './transforms';

export interface EventAndDependency {
  readonly event: CloudEvent;
  readonly dependency: Dependency;
}

export type Verdict =
  /** `event` is the transformed one. */
  | { readonly outcome: 'matched'; readonly event: CloudEvent }
  /** `clause` is a path in the dependency (`filters.data[0]`), `reason` what was found there and what was wanted. */
  | { readonly outcome: 'filtered'; readonly clause: string; readonly reason: string }
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly clause: string; readonly reason: string };

/**
 * One verdict per pair, in the same order. The engine is asked only where the answer depends on it, once for all pairs.
 *
 * Whether an event's source and subject fit the dependency is the caller's business. A failing expression is a verdict;
 * throws only what the engine throws.
 */
export function evaluateDependencies(
  pairs: readonly EventAndDependency[],
  engine: ExpressionEngine,
): Promise<Verdict[]> {
  return Promise.all(pairs.map((pair) => evaluateDependency(pair, engine)));
}

async function evaluateDependency(
  { event, dependency }: EventAndDependency,
  engine: ExpressionEngine,
): Promise<Verdict> {
  const transformed = await transformEvent(event, dependency, engine);
  if (transformed.outcome === 'failed') return failedTransform(transformed);
  const plan = planFilters(transformed.event, dependency);
  const known = isPassing(plan);
  return verdictOf(transformed.event, known === undefined ? await decideClauses(plan, engine) : plan);
}

/** Everything that `evaluateDependencies` looked at, for `sluice test` and `sluice explain`. */
export interface DependencyTrace {
  readonly dependency: string;
  /** Absent without a transform, and for an event without data. */
  readonly transform?: {
    readonly clause: string;
    readonly outcome: 'changed' | 'failed';
    /** The data after a successful transform. */
    readonly data?: JsonValue;
    /** Why it failed. */
    readonly reason?: string;
  };
  /** Every clause of the filters, also those that could no longer change the verdict. */
  readonly clauses: readonly ({ readonly clause: string } & ClauseVerdict)[];
  readonly verdict: Verdict;
}

export async function explainDependency(
  event: CloudEvent,
  dependency: Dependency,
  engine: ExpressionEngine,
): Promise<DependencyTrace> {
  const transformed = await transformEvent(event, dependency, engine);
  const transform = traceOf(transformed);
  const common = { dependency: dependency.name, ...(transform && { transform }) };
  if (transformed.outcome === 'failed') return { ...common, clauses: [], verdict: failedTransform(transformed) };
  const plan = await decideClauses(planFilters(transformed.event, dependency), engine);
  return { ...common, clauses: decidedClauses(plan), verdict: verdictOf(transformed.event, plan) };
}

function traceOf(transformed: TransformResult): DependencyTrace['transform'] {
  switch (transformed.outcome) {
    case 'unchanged':
      return undefined;
    case 'changed':
      return { clause: transformed.clause, outcome: 'changed', data: transformed.event.data };
    case 'failed':
      return { clause: transformed.clause, outcome: 'failed', reason: transformed.failure.message };
  }
}

function failedTransform({ clause, failure }: Extract<TransformResult, { outcome: 'failed' }>): Verdict {
  return { outcome: 'failed', code: failure.code, clause, reason: failure.message };
}

function decidedClauses(plan: FilterPlan): ({ clause: string } & ClauseVerdict)[] {
  return plan.groups
    .flatMap((group) => group.clauses)
    .flatMap(({ clause, verdict }) => (verdict ? [{ clause, ...verdict }] : []));
}

function verdictOf(event: CloudEvent, plan: FilterPlan): Verdict {
  if (isPassing(plan)) return { outcome: 'matched', event };
  // Under `or` every group said no; under `and` the groups that did are to blame.
  const blamed = plan.groups.filter((group) => isGroupPassing(group) === false);
  const saidNo = decidedClauses({ ...plan, groups: blamed }).filter(({ outcome }) => outcome !== 'passed');
  const [first] = saidNo;
  if (!first) return { outcome: 'filtered', clause: 'filters', reason: 'no filter is set, and "or" needs one' };

  // With several clauses that had to be false together, an error among them is what a person must hear of.
  const error = plan.operator === 'or' || blamed[0]?.operator === 'or' ? findFailed(saidNo) : undefined;
  const told = error ?? first;
  if (told.outcome === 'failed')
    return { outcome: 'failed', code: told.code, clause: told.clause, reason: told.reason };
  const isAlone = saidNo.length === 1 || (plan.operator === 'and' && blamed[0]?.operator === 'and');
  if (isAlone) return { outcome: 'filtered', clause: told.clause, reason: told.reason };
  const reason = saidNo.map((each) => `${each.clause}: ${each.reason}`).join('; ');
  return { outcome: 'filtered', clause: blamed.length === 1 ? (blamed[0]?.clause ?? 'filters') : 'filters', reason };
}

function findFailed(clauses: readonly ({ clause: string } & ClauseVerdict)[]) {
  return clauses.find(({ outcome }) => outcome === 'failed');
}
