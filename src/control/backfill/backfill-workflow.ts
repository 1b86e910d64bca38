/** Starts back-fills of STAC event sources, and reads and controls them. */
import { randomBytes } from 'node:crypto';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { EventSourceActivities } from '../../contract/activities';
import {
  backfillProgressQuery,
  readBackfillProgress,
  type BackfillInput,
  type BackfillRequest,
  type BackfillStatus,
} from '../../contract/backfill-messages';
import type { EventSourceDefinition, ObjectName } from '../../contract/definitions';
import { eventSourceDefinitionQuery } from '../../contract/event-source-messages';
import { backfillWorkflowId, eventSourceWorkflowId, WORKFLOW_TYPES } from '../../contract/identity';
import { SluiceError } from '../../errors/sluice-error';
import { paceOf, type BackfillPace } from '../../sandbox/backfill/backfill-pace';
import { asProse } from '../../text/markdown-text';
import { describeRequester } from '../../text/requester-name';
import { summaryLine } from '../../text/summary-line';
import { APPLIED_KINDS } from '../applied-kinds';
import { askWorkflow } from '../ask-workflow';
import { failureOf } from '../failure-of';
import { findExecution } from '../find-execution';
import { pendingActivitiesOf } from '../pending-activities';
import type { TemporalSession } from '../temporal-session';
import { listNames, objectUnknown, requireRunning } from '../unknown-object';

export interface BackfillState extends BackfillStatus, BackfillPace {
  readonly id: string;
  /** Why it failed. */
  readonly problem?: string;
}

export interface ListedBackfill {
  readonly id: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly isRunning: boolean;
}

const PORTION: keyof EventSourceActivities = 'sluiceBackfillPortion';
/** Each is asked for its progress. */
const MOST_LISTED = 50;

/** The newest first. */
export async function listBackfills(session: TemporalSession, namespace: string): Promise<readonly ListedBackfill[]> {
  const prefix = backfillWorkflowId(namespace, '', '').replace(/\/+$/, '/');
  const query = `WorkflowType = '${WORKFLOW_TYPES.backfill}' AND WorkflowId STARTS_WITH '${prefix}' AND ExecutionStatus != 'ContinuedAsNew'`;
  const found: ListedBackfill[] = [];
  for await (const { workflowId: id, startTime, status } of session.client.workflow.list({ query })) {
    found.push({ id, startedAt: startTime.toISOString(), isRunning: status.name === 'RUNNING' });
    if (found.length >= MOST_LISTED) break;
  }
  return found.sort((one, other) => other.startedAt.localeCompare(one.startedAt));
}

/**
 * Returns the id of the back-fill. Without `eventName`, the source must have one STAC event only. Throws OBJECT_UNKNOWN,
 * WORKER_MISSING, and USAGE for an event that is none.
 */
export async function startBackfill(
  session: TemporalSession,
  source: ObjectName,
  { eventName, ...wanted }: Omit<BackfillRequest, 'eventName'> & { readonly eventName: string | undefined },
): Promise<string> {
  const { namespace, name } = source;
  const sourceId = eventSourceWorkflowId(namespace, name);
  const address = { kind: APPLIED_KINDS.EventSource, namespace, name };
  await requireRunning(session, address);
  const unknown = () => objectUnknown(session, address);
  const definition = await askWorkflow(session, sourceId, unknown, (handle) =>
    handle.query(eventSourceDefinitionQuery),
  );
  const request: BackfillRequest = { ...wanted, eventName: chooseEvent(definition, eventName) };
  const { taskQueue } = await session.client.workflow.getHandle(sourceId).describe();
  const workflowId = backfillWorkflowId(namespace, name, `${Date.now()}-${randomBytes(2).toString('hex')}`);
  const input: BackfillInput = { definition, request };
  await session.client.workflow.start(WORKFLOW_TYPES.backfill, {
    workflowId,
    taskQueue,
    args: [input],
    staticSummary: summaryLine(`by ${asProse(describeRequester(request.by))}: ${asProse(request.why)}`),
  });
  return workflowId;
}

function chooseEvent({ namespace, name, spec }: EventSourceDefinition, wanted: string | undefined): string {
  const events = Object.keys(spec.stac ?? {});
  const [only] = events;
  if (only === undefined) {
    throw new SluiceError('USAGE', {
      message: `Event source ${namespace}/${name} has no event of kind stac`,
      fix: 'Give an event source that reads a STAC API',
    });
  }
  if (wanted !== undefined && events.includes(wanted)) return wanted;
  if (wanted === undefined && events.length === 1) return only;
  throw new SluiceError('USAGE', {
    message:
      wanted === undefined
        ? `Event source ${namespace}/${name} has several events of kind stac`
        : `Event source ${namespace}/${name} has no event ${wanted} of kind stac`,
    fix: `Give --event with one of: ${listNames(events)}`,
  });
}

/** Throws USAGE for an id that is not of a back-fill. */
export async function readBackfill(session: TemporalSession, id: string): Promise<BackfillState> {
  const execution = await requireBackfill(session, id);
  const status = await askWorkflow(
    session,
    id,
    () => backfillUnknown(id),
    (handle) => handle.query(backfillProgressQuery),
  );
  const end = endOf(execution);
  const problem = end === 'Failed' ? await failureOf(session, id) : undefined;
  const now = end === undefined ? await addPending(session, execution, status) : status;
  return { id, ...now, ...paceOf(now), ...(end && { state: end }), ...(problem !== undefined && { problem }) };
}

/** What the portion under way has done, or why it is retried. */
async function addPending(
  session: TemporalSession,
  execution: WorkflowExecutionDescription,
  status: BackfillStatus,
): Promise<BackfillStatus> {
  const portion = (await pendingActivitiesOf(session, execution)).find(({ type }) => type === PORTION);
  const progress = readBackfillProgress(portion?.heartbeat);
  if (portion === undefined || (progress?.found ?? 0) < status.found) return status;
  const { lastFailure, startedAt } = portion;
  const sinceMs = startedAt === undefined ? 0 : Math.max(0, Date.now() - Date.parse(startedAt));
  const { known: _known, ...counts } = progress ?? {};
  return {
    ...status,
    ...counts,
    activeMs: status.activeMs + sinceMs,
    ...(lastFailure !== undefined && { waitsFor: lastFailure }),
  };
}

/** Throws USAGE for an id that is not of a back-fill, and OBJECT_UNKNOWN for one that has ended. */
export async function requireRunningBackfill(session: TemporalSession, id: string): Promise<void> {
  const { status } = await requireBackfill(session, id);
  if (status.name === 'RUNNING') return;
  throw new SluiceError('OBJECT_UNKNOWN', {
    message: `${id} has ended`,
    fix: `sluice stac backfill status ${id} shows how`,
  });
}

async function requireBackfill(session: TemporalSession, id: string): Promise<WorkflowExecutionDescription> {
  const execution = await findExecution(session, id);
  if (execution?.type !== WORKFLOW_TYPES.backfill) throw backfillUnknown(id);
  return execution;
}

/** How it ended as Temporal knows it: a workflow that failed or was cancelled cannot always say so itself. */
function endOf({ status }: WorkflowExecutionDescription): 'Failed' | 'Cancelled' | undefined {
  if (status.name === 'CANCELLED') return 'Cancelled';
  return ['RUNNING', 'CONTINUED_AS_NEW', 'COMPLETED'].includes(status.name) ? undefined : 'Failed';
}

export function backfillUnknown(id: string): SluiceError {
  return new SluiceError('USAGE', {
    message: `Unknown back-fill "${id}": it never existed, or Temporal has deleted it (retention)`,
    fix: 'sluice stac backfill list shows those of a namespace',
  });
}
