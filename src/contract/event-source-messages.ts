/** Messages of the `eventSource` workflow. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { EventSourceDefinition, ObjectName } from './definitions';
import type { RequestedBy } from './requester';

/** What the workflow is started with; one that continues as new hands on more. */
export interface EventSourceStart {
  readonly definition: EventSourceDefinition;
}

export const configureEventSourceUpdate = defineUpdate<void, [EventSourceDefinition]>('configure');

export const eventSourceDefinitionQuery = defineQuery<EventSourceDefinition>('spec');

/** What waits outside and is not on the bus yet. */
export interface EventBacklog {
  readonly entries: number;
  /** Of these, read and not acknowledged. */
  readonly pending: number;
  /** There may be more. */
  readonly isAtLeast?: boolean;
  /** RFC 3339: when it was counted. */
  readonly at: string;
}

/** Sent while the source is paused; while it reads, the heartbeat of each relay has its backlog. */
export interface BacklogReport {
  readonly eventName: string;
  readonly backlog: EventBacklog;
}

export const backlogReportSignal = defineSignal<[BacklogReport]>('backlog');

export interface EventSourceStatus extends ObjectName {
  readonly paused?: RequestedBy & { readonly since: string };
  readonly events: ReadonlyArray<{
    readonly name: string;
    readonly kind: string;
    readonly state: 'Reading' | 'Paused' | 'NotSupported' | 'Failed';
    readonly problem?: string;
    readonly backlog?: EventBacklog;
  }>;
  readonly appliedAt: string;
  /** The last signals that could not be obeyed, with time and reason. */
  readonly refusals?: readonly string[];
}

export const eventSourceStatusQuery = defineQuery<EventSourceStatus>('status');
