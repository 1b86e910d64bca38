/** What a run must know of a trigger's kind before it fires it. Pure. */
import type { TriggerSpec } from '../../manifest/sensor';
import { isQuickKind, TRIGGER_KINDS } from '../../kinds/trigger-kinds';
import { parseBackoffMs } from './retry-plan';
import type { FireResult } from '../../contract/fires';

/**
 * Quick fires share one local activity; a trigger that may wait gets its own activity. A trigger is quick if it takes
 * one request to a server in the same cluster, with its resource inline in the manifest.
 */
export function isQuick({ template, rateLimit, policy }: TriggerSpec): boolean {
  if (rateLimit !== undefined || policy?.k8s !== undefined) return false;
  if (TRIGGER_KINDS.some((kind) => template[kind] !== undefined && isQuickKind(kind))) return true;
  const source = (template.k8s ?? template.argoWorkflow)?.source;
  return source !== undefined && (source.resource !== undefined || source.inline !== undefined);
}

/** A Workflow with a shorter time to live may be gone before its event is redelivered after a crash. */
const SHORTEST_LIFE_SECONDS = 600;
const LIFE_AFTER_END = /"?(?:secondsAfter(?:Completion|Success|Failure)|ttlSecondsAfterFinished)"?\s*:\s*"?(\d+)/g;

/**
 * How the listener may make the first attempt of a fire, before its run exists.
 * - `repeatable`: if the listener crashes in between, the attempt of the run finds the object by its name, see
 *   docs/decisions/140-act-first.md.
 * - `noted`: the attempt is noted on the bus before it begins, so that it is not made twice, see
 *   docs/decisions/221-http-calls-are-noted-first.md.
 */
export type FirstAttempt = 'repeatable' | 'noted';

/** Undefined if only the run may attempt it. */
export function firstAttemptOf(trigger: TriggerSpec): FirstAttempt | undefined {
  const { template, parameters, rateLimit } = trigger;
  if (template.http !== undefined) return rateLimit === undefined ? 'noted' : undefined;
  // Parameters of the template may name another operation.
  if (!isQuick(trigger) || parameters?.length) return undefined;
  if (template.log !== undefined) return 'repeatable';
  const operation = template.k8s
    ? (template.k8s.operation ?? 'create')
    : (template.argoWorkflow?.operation ?? 'submit');
  const { inline, resource } = (template.k8s ?? template.argoWorkflow)?.source ?? {};
  const manifest = inline ?? JSON.stringify(resource ?? {});
  const lives = [...manifest.matchAll(LIFE_AFTER_END)].map(([, seconds]) => Number(seconds));
  const staysFindable = lives.every((seconds) => seconds >= SHORTEST_LIFE_SECONDS);
  return ['create', 'submit'].includes(operation) && staysFindable ? 'repeatable' : undefined;
}

/** The longest timer of Node. */
const LONGEST_CALL_MS = 2 ** 31 - 1;

/** When a listener gives up a call that it has begun, in milliseconds: the target's timeout, and time to prepare it. */
export function callDeadline({ template }: TriggerSpec): number {
  return Math.min(httpTimeoutMs(template) + 15_000, LONGEST_CALL_MS);
}

/** Longest time one attempt may take: the kind's own timeouts plus the time to fetch its resource. */
export function triggerDeadline(trigger: TriggerSpec): number {
  const minute = 60_000;
  return httpTimeoutMs(trigger.template) + minute + policyWaitMs(trigger);
}

/** Of other kinds, and without one: a minute. A timeout of 0 is none. */
function httpTimeoutMs({ http }: TriggerSpec['template']): number {
  return Number(http?.timeout || 60) * 1_000;
}

/** How long `policy.k8s` may poll: the sum of its back-off. */
function policyWaitMs(trigger: TriggerSpec): number {
  const backoff = trigger.policy?.k8s?.backoff;
  if (backoff === undefined) return 0;
  let interval = parseBackoffMs(backoff.duration) ?? 1_000;
  let total = 0;
  for (let step = 0; step < (backoff.steps || 5); step += 1) {
    total += interval * (1 + Number(backoff.jitter ?? 0));
    interval *= Math.max(1, Number(backoff.factor ?? 1));
  }
  return Math.min(total, 24 * 3_600_000);
}

/** Only Argo Workflows that the fire itself created have an outcome to wait for. */
export function followsOutcome(trigger: TriggerSpec, result: FireResult): boolean {
  if (result.kind !== 'object' || result.object.kind !== 'Workflow') return false;
  if (!result.object.apiVersion.startsWith('argoproj.io/')) return false;
  const operation = trigger.template.argoWorkflow?.operation ?? trigger.template.k8s?.operation ?? 'submit';
  return ['submit', 'submit-from', 'resubmit', 'create'].includes(operation);
}
