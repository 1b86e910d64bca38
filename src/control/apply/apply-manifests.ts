/** Applies manifests to Temporal: for `sluice apply`, `sluice dev` and workers with SLUICE_MANIFESTS. */
import type { Problem } from '../../manifest/problem';
import type { ManifestDocument } from '../../validation/manifest-document';
import type { ManifestKind } from '../../validation/parse-manifest';
import { APPLY_ORDER, LIST_ORDER, type ObjectAddress, type TaskQueues } from '../applied-kinds';
import { workflowIdOf } from '../applied-objects';
import { concurrently } from '../../concurrency/concurrently';
import type { ProcessEnvironment } from '../process-environment';
import { readSearchAttributes, registerSearchAttributes, wrongTypes } from '../search-attribute-setup';
import { isForbidden, type TemporalSession } from '../temporal-session';
import { applyToKubernetes, type KubernetesApplied, type OtherDocument } from './apply-kubernetes';
import type { ObjectName } from '../../contract/definitions';
import type { RequestedBy } from '../../contract/requester';
import { isSluiceError } from '../../errors/sluice-error';
import {
  addressOf,
  applyObject,
  compareObject,
  findAppliedBus,
  findAppliedSource,
  type Applied,
  type AppliedAction,
} from './apply-object';
import { awaitReady, type Readiness } from './await-ready';
import { findBusDependents, hasOtherBus, withBus } from './bus-dependents';
import { missingAccounts } from './check-accounts';
import { checkSecrets } from './check-secrets';
import { resolveDesired, type AppliedBy, type Desired, type NamespaceChoice } from './desired-objects';
import { foreseeableLosses } from './foreseeable-losses';
import { keptTaskQueues } from './kept-task-queues';
import { settleStreams } from './settle-streams';
import { silentDependencies, type AppliedSource } from './silent-dependencies';

export interface ApplyOptions extends AppliedBy {
  /** Kept in the history of every object that is started or changed. */
  readonly requestedBy: RequestedBy;
  readonly namespaces: NamespaceChoice;
  readonly taskQueues: TaskQueues;
  /** Compare only. */
  readonly dryRun?: boolean;
  /** Also apply the other objects to Kubernetes. */
  readonly kubernetes?: boolean;
  /** Do not check that the named Secrets exist. */
  readonly skipSecretCheck?: boolean;
  /** Leave permanently stopped parts of an unchanged object stopped; default: try them again. */
  readonly keepStopped?: boolean;
  /** Time limit in milliseconds for sources and sensors to become ready. Default: long enough to see them connect. */
  readonly waitMs?: number;
}

/** Receives progress while manifests are applied. */
export interface ApplyReport {
  progress(what: string): void;
  note(text: string): void;
}

export interface AppliedRow extends AppliedAction {
  readonly desired: Desired;
  /** In a dry run, of objects that would change: a unified diff. */
  readonly diff?: string;
  /** Undefined in a dry run. */
  readonly readiness?: Readiness;
}

export type ApplyOutcome =
  /** Nothing was applied. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | {
      readonly kind: 'applied';
      /** In the order in which operators list them. */
      readonly rows: readonly AppliedRow[];
      /** Sources and sensors that may still use an earlier version of a bus. The next apply finishes them. */
      readonly unfinished: readonly Unfinished[];
      readonly kubernetes: readonly KubernetesApplied[];
      /** A sentence for each dependency whose event nothing publishes; notes, too. */
      readonly silent: readonly string[];
      /** Objects of other kinds that the caller did not ask to apply. */
      readonly leftAlone: readonly OtherDocument[];
    };

export interface Unfinished {
  readonly address: ObjectAddress;
  /** Why, as a sentence. */
  readonly reason: string;
}

/** Long enough for a connection to come up, short enough not to be noticed. */
const SHORT_WAIT_MS = 3_000;

/** A sensor that does not listen by then delays no source: its bus may be unavailable. */
const LISTENERS_WAIT_MS = 5_000;
/** What each of many adds to that. */
const START_MS = 30;
const APPLIED_AT_ONCE = 32;
/** Each looks every 200 ms until its object is ready. */
const READINESS_AT_ONCE = 32;
const COMPARED_AT_ONCE = 4;

/** @param documents valid manifests; all other checks run before anything is applied */
export async function applyManifests(
  documents: readonly ManifestDocument[],
  session: TemporalSession,
  options: ApplyOptions,
  environment: ProcessEnvironment,
  report: ApplyReport,
): Promise<ApplyOutcome> {
  const { namespaces, dryRun = false, appliedBy } = options;
  const others = documents.filter((document): document is OtherDocument => document.kind === 'other');
  const applicable = options.kubernetes ? others : [];
  report.progress('reading applied objects');
  const { desired, problems } = await resolveDesired(documents, namespaces, (name) => findAppliedBus(session, name), {
    ...(appliedBy && { appliedBy }),
  });
  const namespace = namespaces.required ?? namespaces.fallback;
  const secrets = options.skipSecretCheck
    ? { problems: [] }
    : await checkSecrets(desired, applicable, namespace, environment);
  const inTheWay = [...problems, ...secrets.problems];
  if (inTheWay.length > 0) return { kind: 'refused', problems: inTheWay };
  if (!options.skipSecretCheck) {
    for (const warning of await missingAccounts(desired, applicable, namespace, environment)) report.note(warning);
  }
  if (secrets.unchecked !== undefined) report.note(`Secrets were not all checked: ${secrets.unchecked}`);

  if (desired.length > 0) await prepareNamespace(session, dryRun, report);
  const kubernetes = options.kubernetes ? await applyToKubernetes(others, namespace, dryRun, environment) : [];
  const unfinished: Unfinished[] = [];
  const rows = inListOrder(
    dryRun
      ? await compareAll(session, desired, unfinished)
      : await applyAll(session, desired, options, environment, report, unfinished),
  );
  const named = rows.filter((row) => desired.includes(row.desired));
  for (const warning of keptTaskQueues(named, options.taskQueues)) report.note(warning);
  for (const warning of foreseeableLosses(rows)) report.note(warning);
  const findSource = (name: ObjectName): Promise<AppliedSource | undefined> => findAppliedSource(session, name);
  const silent = await silentDependencies(desired, findSource);
  for (const warning of silent) report.note(warning);
  return { kind: 'applied', rows, unfinished, kubernetes, silent, leftAlone: options.kubernetes ? [] : others };
}

/** What `sluice apply -o json` prints. */
export interface ApplySummary {
  readonly dryRun: boolean;
  readonly objects: ReadonlyArray<
    Partial<Readiness> & {
      readonly kind: ManifestKind;
      readonly namespace: string;
      readonly name: string;
      readonly action: Applied;
      readonly workflowId: string;
      readonly diff?: string;
    }
  >;
  readonly unfinished: ReadonlyArray<{
    readonly kind: ManifestKind;
    readonly namespace: string;
    readonly name: string;
    readonly reason: string;
  }>;
  readonly kubernetes: readonly KubernetesApplied[];
}

/** Returns the outcome as plain JSON, for programs and logs. */
export function describeApplied(
  { rows, unfinished, kubernetes }: Extract<ApplyOutcome, { kind: 'applied' }>,
  dryRun: boolean,
): ApplySummary {
  return {
    dryRun,
    objects: rows.map(({ desired, action, diff, readiness }) => ({
      kind: desired.kind,
      namespace: desired.definition.namespace,
      name: desired.definition.name,
      action,
      workflowId: workflowIdOf(addressOf(desired)),
      ...(diff !== undefined && { diff }),
      ...readiness,
    })),
    unfinished: unfinished.map(({ address: { kind, namespace, name }, reason }) => ({
      ...{ kind: kind.kind, namespace, name, reason },
    })),
    kubernetes,
  };
}

async function prepareNamespace(session: TemporalSession, dryRun: boolean, report: ApplyReport): Promise<void> {
  const states = await readSearchAttributes(session).catch((error: unknown) => {
    if (!isForbidden(error)) throw error;
    report.note('This client may not read the registered search attributes; see `sluice setup`');
    return [];
  });
  const refusal = wrongTypes(session, states);
  if (refusal !== undefined) throw refusal;
  const missing = states.filter(({ state }) => state === 'missing').map(({ name }) => name);
  if (missing.length === 0) return;
  if (dryRun) {
    report.note(`These search attributes would be registered: ${missing.join(', ')}`);
    return;
  }
  await registerSearchAttributes(session, states);
  report.note(`Registered the search attributes ${missing.join(', ')} in namespace "${session.namespace}"`);
}

async function compareAll(
  session: TemporalSession,
  desired: readonly Desired[],
  unfinished: Unfinished[],
): Promise<AppliedRow[]> {
  const compare = async (object: Desired): Promise<AppliedRow> => ({
    desired: object,
    ...(await compareObject(session, object)),
  });
  const rows = await concurrently(desired, COMPARED_AT_ONCE, compare);
  const followers = await findFollowers(session, desired, unfinished);
  return [...rows, ...(await concurrently(followers, COMPARED_AT_ONCE, compare))];
}

/**
 * Finds the sources and sensors, beside those that are applied themselves, that hold another version of an applied bus.
 * An unchanged bus is looked at too: when it changed, one of them may have had no worker.
 */
async function findFollowers(
  session: TemporalSession,
  desired: readonly Desired[],
  unfinished: Unfinished[],
): Promise<Desired[]> {
  const named = new Set(desired.map((object) => workflowIdOf(addressOf(object))));
  const followers: Desired[] = [];
  for (const { kind, definition: bus } of desired) {
    if (kind !== 'EventBus') continue;
    const { found, unanswered } = await findBusDependents(session, bus);
    for (const dependent of found) {
      const isNamed = named.has(workflowIdOf(addressOf(dependent)));
      if (!isNamed && hasOtherBus(dependent, bus)) followers.push(withBus(dependent, bus));
    }
    for (const object of unanswered) {
      if (!named.has(object.workflowId)) unfinished.push(unansweredOf(object, object.taskQueue));
    }
  }
  return followers;
}

function unansweredOf(address: ObjectAddress, taskQueue: string): Unfinished {
  const reason = `No worker answers on task queue "${taskQueue}", so it may still use an earlier version of its event bus`;
  return { address, reason };
}

async function applyAll(
  session: TemporalSession,
  desired: readonly Desired[],
  options: ApplyOptions,
  environment: ProcessEnvironment,
  report: ApplyReport,
  unfinished: Unfinished[],
): Promise<AppliedRow[]> {
  const rows: AppliedRow[] = [];
  const { taskQueues, requestedBy, keepStopped } = options;
  const apply = async (object: Desired): Promise<AppliedRow> => {
    report.progress(`applying ${object.kind} ${object.definition.name}`);
    return { desired: object, ...(await applyObject(session, object, taskQueues, requestedBy, keepStopped)) };
  };
  for (const kind of APPLY_ORDER) {
    const objects = desired.filter((object) => object.kind === kind);
    if (kind === 'EventSource' && objects.length > 0 && rows.some((row) => row.desired.kind === 'Sensor')) {
      report.progress('waiting for sensors to listen');
      await awaitListeners(session, rows);
    }
    rows.push(...(await concurrently(objects, APPLIED_AT_ONCE, apply)));
  }
  for (const follower of await findFollowers(session, desired, unfinished)) {
    try {
      const { action } = await applyObject(session, follower, taskQueues, requestedBy);
      rows.push({ desired: follower, action });
    } catch (error) {
      if (!isSluiceError(error) || error.code !== 'WORKER_MISSING') throw error;
      const reason = `${error.message}, so it still uses an earlier version of its event bus`;
      unfinished.push({ address: addressOf(follower), reason });
    }
  }
  const deadline = Date.now() + (options.waitMs ?? SHORT_WAIT_MS);
  report.progress('waiting for sources and sensors to be ready');
  const [streams, readiness] = await Promise.all([
    settleStreams(session, rows, environment),
    concurrently(rows, READINESS_AT_ONCE, ({ desired: object }) =>
      awaitReady(session, object, Math.max(0, deadline - Date.now())),
    ),
  ]);
  return rows.map((row, at) => ({ ...row, readiness: streams[at] ?? readiness[at] }));
}

/**
 * A source may read a backlog at once. A new sensor takes events from its start; one with changed dependencies takes
 * new ones only from when its consumer asks for them. So consumers must exist before sources start.
 */
async function awaitListeners(session: TemporalSession, rows: readonly AppliedRow[]): Promise<void> {
  const changed = rows.filter(({ desired, action }) => desired.kind === 'Sensor' && action !== 'unchanged');
  const deadline = Date.now() + LISTENERS_WAIT_MS + changed.length * START_MS;
  await concurrently(changed, READINESS_AT_ONCE, ({ desired }) =>
    awaitReady(session, desired, Math.max(0, deadline - Date.now()), ({ state }) => state !== 'NoWorker'),
  );
}

/** Objects are applied in another order than the one in which operators read them. */
function inListOrder(rows: readonly AppliedRow[]): AppliedRow[] {
  return [...rows].sort((a, b) => LIST_ORDER.indexOf(a.desired.kind) - LIST_ORDER.indexOf(b.desired.kind));
}
