/** How the workflow of an object ended. Workflows that have ended still answer queries, so this is asked first. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { decodeFailureMessage } from '../../payloads/decode-payload';
import { isNotFound } from '../not-found';
import type { TemporalSession } from '../temporal-session';
import { describeRequester } from '../../text/requester-name';

export interface ExecutionEnd {
  /** `Deleted`: by `sluice delete`; everything else happened to it from outside. */
  readonly how: 'Deleted' | 'Terminated' | 'Cancelled' | 'Failed' | 'TimedOut';
  /** RFC 3339. */
  readonly at: string;
  /** Identity of the client that asked for it. */
  readonly by?: string;
  readonly reason?: string;
}

/** With which `sluice delete` terminates what it cannot or need not ask; what it asked completes by itself. */
export const DELETE_REASON = 'sluice delete';

/** The end is among the last events; of a cancelled sensor, what it did before it ended comes after the request. */
const LAST_EVENTS = 50;

/** Undefined while it runs. */
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

/** For a person: `Terminated by "ada@host" (unverified) at 2026-01-31T06:00:00Z (clean-up)`. */
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
    // A workflow of ours returns only where it was told to by `sluice delete`.
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
    // Retention may take the history between two requests; that it has ended is known all the same.
    if (isNotFound(error)) return {};
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
