/**
 * `status.conditions` of an object: Argo Events' own types, which its users and tools wait for, and the two that
 * kstatus (Flux, `kubectl wait`) reads of any object. Pure.
 */
import type { Condition as ObservedCondition } from '../control/status/condition';
import { formatProblem, type Problem } from '../manifest/problem';
import type { ManifestKind } from '../validation/parse-manifest';

/** A condition as Kubernetes stores it. */
export interface StatusCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

export type Verdict = Omit<StatusCondition, 'lastTransitionTime'>;

export type ApplyResult =
  /** Not tried yet; with a reason, it will not be. */
  | { readonly kind: 'pending'; readonly reason?: 'NotSelected' }
  | {
      readonly kind: 'applied';
      /** A sentence for each dependency whose event nothing publishes. */
      readonly silent?: readonly string[];
    }
  /** The manifest is at fault: no use in trying again before it changes. */
  | { readonly kind: 'faulty'; readonly problems: readonly Problem[] }
  /** Its bus is not applied. */
  | { readonly kind: 'waiting'; readonly problems: readonly Problem[] }
  /** It is tried again. */
  | { readonly kind: 'failed'; readonly message: string };

export interface ObservedObject {
  readonly kind: ManifestKind;
  readonly generation: number;
  readonly result: ApplyResult;
  /** What runs; undefined if nothing does, or `Unknown` with the reason why it cannot be told. */
  readonly seen?: Pick<ObservedCondition, 'reason'> & { readonly state: ObservedCondition['state'] | 'Unknown' };
}

interface Part {
  readonly type: string;
  /** Reason of its failure, as Argo Events writes it. */
  readonly reason: string;
  /** Field path of the problems that concern it. */
  readonly path: string;
}

const PARTS: Readonly<Record<ManifestKind, readonly Part[]>> = {
  EventBus: [{ type: 'Configured', reason: 'InvalidSpec', path: '' }],
  EventSource: [{ type: 'SourcesProvided', reason: 'InvalidEventSource', path: '' }],
  Sensor: [
    { type: 'DependenciesProvided', reason: 'InvalidDependencies', path: 'spec.dependencies' },
    { type: 'TriggersProvided', reason: 'InvalidTriggers', path: 'spec.triggers' },
  ],
};

/** Details of a status are read in a terminal, and the API server stores them for each object. */
const MOST_CHARACTERS = 2_000;

export function conditionsOf(observed: ObservedObject): readonly Verdict[] {
  const { kind, result } = observed;
  const verdicts = [
    ...PARTS[kind].map((part) => partVerdict(part, result)),
    ...(kind === 'EventBus' ? [] : [busVerdict(result)]),
    deployedVerdict(observed),
  ];
  return [...verdicts, readyVerdict(verdicts), ...stalled(result)].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** The same words as `sluice validate`, without the file. */
export function describeProblem({ file: _, line: _line, column: _column, ...problem }: Problem): string {
  return formatProblem({ ...problem, file: '' });
}

/** Keeps the time of each condition whose status stays the same. */
export function withTimes(
  verdicts: readonly Verdict[],
  former: readonly StatusCondition[],
  now: string,
): readonly StatusCondition[] {
  return verdicts.map((verdict) => {
    const before = former.find(({ type }) => type === verdict.type);
    const lastTransitionTime = before?.status === verdict.status ? before.lastTransitionTime : now;
    return { ...verdict, lastTransitionTime };
  });
}

function partVerdict({ type, reason, path }: Part, result: ApplyResult): Verdict {
  if (result.kind === 'pending') return pending(type, result.reason);
  const found = result.kind === 'faulty' ? result.problems.filter((problem) => problem.path.startsWith(path)) : [];
  if (found.length > 0) return { type, status: 'False', reason, message: describeAll(found) };
  // Argo Events does not compare them with event sources, which may come later: the condition stays true.
  const silent = result.kind === 'applied' && type === 'DependenciesProvided' ? result.silent : undefined;
  return { type, status: 'True', reason: 'Valid', message: (silent ?? []).join('\n').slice(0, MOST_CHARACTERS) };
}

function busVerdict(result: ApplyResult): Verdict {
  const type = 'EventBusProvided';
  switch (result.kind) {
    case 'applied':
      return { type, status: 'True', reason: 'EventBusFound', message: '' };
    case 'waiting':
      return { type, status: 'False', reason: 'EventBusNotFound', message: describeAll(result.problems) };
    case 'pending':
      return pending(type, result.reason);
    case 'faulty':
    case 'failed':
      return { type, status: 'Unknown', reason: 'NotChecked', message: '' };
  }
}

function pending(type: string, reason = 'Pending'): Verdict {
  return { type, status: 'Unknown', reason, message: '' };
}

/** True only if what this generation describes was seen to run and read. */
function deployedVerdict({ generation, result, seen }: ObservedObject): Verdict {
  const type = 'Deployed';
  const former = seen === undefined || seen.state === 'Gone' ? '' : `; the version applied before is ${seen.state}`;
  switch (result.kind) {
    case 'pending':
      return pending(type, result.reason);
    case 'faulty': {
      const message = `generation ${generation} is not valid${former}\n${describeAll(result.problems)}`;
      return { type, status: 'False', reason: 'InvalidSpec', message: message.slice(0, MOST_CHARACTERS) };
    }
    case 'waiting':
      return { type, status: 'False', reason: 'EventBusNotFound', message: describeAll(result.problems) };
    case 'failed':
      return { type, status: 'False', reason: 'ApplyFailed', message: `${result.message}${former}` };
    case 'applied':
      return stateVerdict(type, seen);
  }
}

function stateVerdict(type: string, seen: ObservedObject['seen']): Verdict {
  if (seen === undefined) return pending(type);
  const { state: reason, reason: message = '' } = seen;
  switch (reason) {
    case 'Ready':
      return { type, status: 'True', reason, message };
    case 'Connecting':
    case 'Paused':
    case 'Unknown':
      return { type, status: 'Unknown', reason, message };
    case 'Stale':
      // Its reason is an age, which would be different at every look.
      return {
        type,
        status: 'False',
        reason,
        message: 'no recent report of what reads; `sluice status` shows its age',
      };
    case 'NotReady':
    case 'Failed':
    case 'NoWorker':
    case 'Gone':
      return { type, status: 'False', reason, message };
  }
}

function readyVerdict(verdicts: readonly Verdict[]): Verdict {
  const type = 'Ready';
  const worst =
    verdicts.find(({ status }) => status === 'False') ?? verdicts.find(({ status }) => status === 'Unknown');
  if (worst === undefined) return { type, status: 'True', reason: 'Ready', message: '' };
  return { type, status: worst.status, reason: worst.reason, message: worst.message };
}

/** By the convention of kstatus it is there only while it is true. */
function stalled(result: ApplyResult): readonly Verdict[] {
  if (result.kind !== 'faulty') return [];
  return [{ type: 'Stalled', status: 'True', reason: 'InvalidSpec', message: describeAll(result.problems) }];
}

function describeAll(problems: readonly Problem[]): string {
  return problems.map(describeProblem).join('\n').slice(0, MOST_CHARACTERS);
}
