/** How the workflow of an object ended. Ended workflows still respond to queries, so this is checked first. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { decodeFailureMessage } from '../../payloads/decode-payload';
import { isWorkflowNotFound } from '../find-execution';
import type { TemporalSession } from '../temporal-session';
import { describeRequester } from '../../text/requester-name';

export interface ExecutionEnd {
  /** `Deleted`: by `sluice delete`; all others have another cause. */
  readonly how: 'Deleted' | 'Terminated' | 'Cancelled' | 'Failed' | 'TimedOut';
  /** RFC 3339. */
  readonly at: string;
  /** Identity of the client that requested it. */
  readonly by?: string;
  readonly reason?: string;
}

/** The reason with which `sluice delete` terminates a workflow; one that it signals completes by itself. */
export const DELETE_REASON = 'sluice delete';

/** The end is among the last events; a cancelled sensor records its clean-up after the request. */
const LAST_EVENTS = 50;

/** Resolves with undefined while it runs. */
export async function readEnd(
  session: TemporalSession,
  { workflowId, runId, status, closeTime }: WorkflowExecutionDescription,
): Promise<ExecutionEnd | undefined> {
  const how = END_OF_STATUS[status.name];
  if (how === undefined) return undefined;
  const at = (closeTime ?? new Date()).toISOString();
  if (how === 'Deleted') return { how, at };
  const found = await readReason(session, workflowId, runId);
  return { ...found, at, how: found.reason === DELETE_REASON ? 'Deleted' : how };
}

/** For display: `Terminated by "ada@host" (unverified) at 2026-01-31T06:00:00Z (clean-up)`. */
export function describeEnd({ how, at, by, reason }: ExecutionEnd): string {
  const who = by === undefined || by === '' ? '' : ` by ${describeRequester(by)}`;
  const why = reason === undefined || reason === '' ? '' : ` (${reason})`;
  return `${WORDS[how]}${who} at ${at}${why}`;
}

export function isDeleted({ how }: ExecutionEnd): boolean {
  return how === 'Deleted';
}

const WORDS: Readonly<Record<ExecutionEnd['how'], string>> = {
  Deleted: 'Deleted',
  Terminated: 'Terminated',
  Cancelled: 'Cancelled',
  Failed: 'Failed',
  TimedOut: 'Timed out',
};

const END_OF_STATUS: Readonly<Record<WorkflowExecutionDescription['status']['name'], ExecutionEnd['how'] | undefined>> =
  {
    RUNNING: undefined,
    CONTINUED_AS_NEW: undefined,
    PAUSED: undefined,
    UNSPECIFIED: undefined,
    UNKNOWN: undefined,
    // Our workflows return only after `sluice delete` has signalled them.
    COMPLETED: 'Deleted',
    FAILED: 'Failed',
    CANCELLED: 'Cancelled',
    TERMINATED: 'Terminated',
    TIMED_OUT: 'TimedOut',
  };

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

async function readReason(
  session: TemporalSession,
  workflowId: string,
  runId: string,
): Promise<Pick<ExecutionEnd, 'by' | 'reason'>> {
  try {
    const { history } = await session.client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: session.namespace,
      execution: { workflowId, runId },
      maximumPageSize: LAST_EVENTS,
    });
    for (const event of history?.events ?? []) {
      const reason = await reasonOf(session, event);
      if (reason !== undefined) return reason;
    }
    return {};
  } catch (error) {
    // Retention may remove the history between two requests; the end is known all the same.
    if (isWorkflowNotFound(error)) return {};
    throw error;
  }
}

async function reasonOf(
  { client }: TemporalSession,
  event: HistoryEvent,
): Promise<Pick<ExecutionEnd, 'by' | 'reason'> | undefined> {
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated) return named(terminated.identity, terminated.reason);
  const cancelled = event.workflowExecutionCancelRequestedEventAttributes;
  if (cancelled) return named(cancelled.identity, cancelled.cause);
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) return named(undefined, await decodeFailureMessage(client.options.loadedDataConverter, failed.failure));
  return undefined;
}

function named(by: string | null | undefined, reason: string | null | undefined): Pick<ExecutionEnd, 'by' | 'reason'> {
  return { ...(by && { by }), ...(reason && { reason }) };
}
