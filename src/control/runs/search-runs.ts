/** Finds runs by their search attributes. */
import type { WorkflowExecutionInfo } from '@temporalio/client';
import { sensorRef, WORKFLOW_TYPES } from '../../contract/identity';
import {
  EVENT_IDS_ATTRIBUTE,
  SENSOR_ATTRIBUTE,
  STATE_ATTRIBUTE,
  TRIGGERS_ATTRIBUTE,
} from '../../contract/search-attributes';
import { SluiceError } from '../../errors/sluice-error';
import { toShortEventId } from '../../event/short-id';
import { runUnknown } from '../ask-workflow';
import { findExecution } from '../find-execution';
import { closestMatch } from '../../text/closest-match';
import type { TemporalSession } from '../temporal-session';
import { didYouMean } from '../unknown-object';

export const RUN_STATES = ['Firing', 'Waiting', 'Parked', 'Succeeded', 'Failed', 'Discarded'] as const;

export interface RunFilter {
  /** Name, or `namespace/name`. */
  readonly sensor?: string;
  /** Namespace of a sensor that is given by its name alone. */
  readonly namespace: string;
  /** Runs of all sensors of this namespace. */
  readonly within?: string;
  readonly state?: string;
  readonly trigger?: string;
  /** Event key, or its short form. */
  readonly event?: string;
  readonly startedAfter?: Date;
  /** A visibility query that the user wrote. */
  readonly query?: string;
}

export interface FoundRun {
  readonly id: string;
  readonly sensor: string;
  /** State of the run; for a run that was ended from outside, Temporal's status. */
  readonly state: string;
  readonly triggers: readonly string[];
  /** Short event ids. */
  readonly events: readonly string[];
  readonly startedAt: string;
  readonly endedAt?: string;
}

function runQuery(filter: RunFilter): string {
  const { sensor, namespace, within, state, trigger, event, startedAfter, query } = filter;
  const clauses = [`WorkflowType = ${quote(WORKFLOW_TYPES.sensorRun)}`];
  if (sensor !== undefined) {
    const ref = sensor.includes('/') ? sensor : sensorRef(namespace, sensor);
    clauses.push(`${SENSOR_ATTRIBUTE.name} = ${quote(ref)}`);
  }
  if (sensor === undefined && within !== undefined) {
    clauses.push(`${SENSOR_ATTRIBUTE.name} STARTS_WITH ${quote(`${within}/`)}`);
  }
  if (state !== undefined) clauses.push(`${STATE_ATTRIBUTE.name} = ${quote(state)}`);
  if (trigger !== undefined) clauses.push(`${TRIGGERS_ATTRIBUTE.name} = ${quote(trigger)}`);
  if (event !== undefined) {
    clauses.push(`${EVENT_IDS_ATTRIBUTE.name} = ${quote(toShortEventId(event))}`);
  }
  if (startedAfter !== undefined) clauses.push(`StartTime >= ${quote(startedAfter.toISOString())}`);
  if (query !== undefined) clauses.push(`(${query})`);
  return clauses.join(' AND ');
}

/** Yields runs newest first. Throws USAGE for a query that the server rejects. */
export async function* findRuns(session: TemporalSession, filter: RunFilter): AsyncGenerator<FoundRun> {
  try {
    for await (const info of session.client.workflow.list({ query: runQuery(filter) })) yield toFoundRun(info);
  } catch (error) {
    throw refuseQuery(error, filter);
  }
}

export async function countRuns(session: TemporalSession, filter: RunFilter): Promise<number> {
  try {
    return (await session.client.workflow.count(runQuery(filter))).count;
  } catch (error) {
    throw refuseQuery(error, filter);
  }
}

/** How many of the newest runs are searched for a part of an id. */
const SEARCHED_RUNS = 2_000;
const NAMED_CANDIDATES = 5;

/**
 * Finds a run by its id, also without the first segment; by an event that only it carries; or by a unique part of its
 * id. Throws RUN_UNKNOWN, and USAGE if several match.
 */
export async function findRun(session: TemporalSession, text: string): Promise<FoundRun> {
  const exact = await findKeptRun(session, text.startsWith('run/') ? text : `run/${text}`);
  if (exact !== undefined) return exact;
  const found: FoundRun[] = [];
  for await (const run of findRuns(session, { namespace: '', event: text })) found.push(run);
  if (found.length === 0) {
    let searched = 0;
    for await (const run of findRuns(session, { namespace: '' })) {
      if (run.id.includes(text)) found.push(run);
      if ((searched += 1) >= SEARCHED_RUNS) break;
    }
  }
  const [only, ...others] = found;
  if (only === undefined) throw await runUnknownLike(session, text);
  if (others.length === 0) return only;
  const named = found.slice(0, NAMED_CANDIDATES).map(({ id }) => id);
  throw new SluiceError('USAGE', {
    message: `"${text}" matches ${found.length} runs: ${named.join(', ')}${found.length > named.length ? ' …' : ''}`,
    fix: 'Give the whole id',
  });
}

/** Returns RUN_UNKNOWN with a run of a similar id, or with the sensor that does not exist. */
export async function runUnknownLike(session: TemporalSession, text: string): Promise<SluiceError> {
  const id = text.startsWith('run/') ? text : `run/${text}`;
  const [, namespace = '', sensor = ''] = id.split('/');
  const ids: string[] = [];
  for await (const run of findRuns(session, { namespace: '' })) {
    if (ids.push(run.id) >= SEARCHED_RUNS) break;
  }
  const meant = closestMatch(id, ids);
  const sensors = [...new Set(ids.map((each) => each.split('/').slice(1, 3).join('/')))];
  const hint =
    meant !== undefined
      ? `Did you mean ${meant}? `
      : id.split('/').length > 3 && !sensors.includes(`${namespace}/${sensor}`)
        ? didYouMean(`${namespace}/${sensor}`, sensors)
        : '';
  const { message, fix = '' } = runUnknown(text);
  return new SluiceError('RUN_UNKNOWN', { message, fix: `${hint}${fix}` });
}

/** Resolves with the runs that retriggers of this run started, and retriggers of them. */
export async function findSuccessors(session: TemporalSession, id: string): Promise<readonly FoundRun[]> {
  const found: FoundRun[] = [];
  const query = `WorkflowId STARTS_WITH ${quote(`${id}~again-`)}`;
  for await (const run of findRuns(session, { namespace: '', query })) found.push(run);
  return found.reverse();
}

/** Resolves with undefined if Temporal does not retain the run. */
export async function findKeptRun(session: TemporalSession, id: string): Promise<FoundRun | undefined> {
  const execution = await findExecution(session, id);
  return execution && toFoundRun(execution);
}

/** For an id that a user typed. Throws RUN_UNKNOWN with the closest match. */
export async function requireRun(session: TemporalSession, id: string): Promise<FoundRun> {
  const found = await findKeptRun(session, id);
  if (found === undefined) throw await runUnknownLike(session, id);
  return found;
}

function toFoundRun(info: Omit<WorkflowExecutionInfo, 'raw'>): FoundRun {
  const attributes = info.typedSearchAttributes;
  const { name: status } = info.status;
  const own = attributes.get(STATE_ATTRIBUTE) ?? 'Firing';
  const endedFromOutside = status === 'TERMINATED' || status === 'TIMED_OUT' || status === 'CANCELLED';
  return {
    id: info.workflowId,
    sensor: attributes.get(SENSOR_ATTRIBUTE) ?? info.workflowId.split('/').slice(1, 3).join('/'),
    state: endedFromOutside ? status.toLowerCase() : own,
    triggers: attributes.get(TRIGGERS_ATTRIBUTE) ?? [],
    events: attributes.get(EVENT_IDS_ATTRIBUTE) ?? [],
    startedAt: info.startTime.toISOString(),
    ...(info.closeTime ? { endedAt: info.closeTime.toISOString() } : {}),
  };
}

/** Parses `run/<namespace>/<sensor>/<key>`, also without the first segment. Throws USAGE. */
export function parseRunId(text: string): { readonly id: string; readonly namespace: string; readonly sensor: string } {
  const id = text.startsWith('run/') ? text : `run/${text}`;
  const [, namespace = '', sensor = '', ...key] = id.split('/');
  if (key.join('') !== '') return { id, namespace, sensor };
  throw new SluiceError('USAGE', {
    message: `"${text}" is not a run id`,
    fix: 'A run id looks like run/<namespace>/<sensor>/<key>; sluice runs list shows them',
  });
}

function refuseQuery(error: unknown, filter: RunFilter): unknown {
  const text = error instanceof Error ? `${error.message} ${String(error.cause)}` : '';
  if (!/INVALID_ARGUMENT/.test(text)) return error;
  if (/Sluice\w+ is not/i.test(text) || /not a valid search attribute/i.test(text)) {
    return new SluiceError('USAGE', {
      message: 'The query names a search attribute that this Temporal namespace does not have',
      fix: 'Run `sluice setup`, or correct the query',
      cause: error,
    });
  }
  return new SluiceError('USAGE', {
    message: `Temporal does not understand the query ${filter.query ?? ''}`,
    cause: error,
  });
}

function quote(text: string): string {
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`;
}
