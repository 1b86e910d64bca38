/** Messages of the `eventSource` workflow. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { EventSourceDefinition, ObjectName } from './definitions';
import type { ApplyRequest, ControlStatus } from './lifecycle-messages';

/** The input of the workflow; continue-as-new passes on more fields. */
export interface EventSourceStart {
  readonly definition: EventSourceDefinition;
  readonly request?: ApplyRequest;
}

export const configureEventSourceUpdate = defineUpdate<void, [EventSourceDefinition, ApplyRequest?]>('configure');

export const eventSourceDefinitionQuery = defineQuery<EventSourceDefinition>('spec');

/** Events in the outside system that are not on the bus yet. */
export interface EventBacklog {
  readonly entries: number;
  /** Of these, read and not acknowledged. */
  readonly pending: number;
  /** There may be more. */
  readonly isAtLeast?: boolean;
  /** RFC 3339: when it was counted. */
  readonly at: string;
}

/** Sent while the source is paused; while it reads, the heartbeat of each relay carries its backlog. */
export interface BacklogReport {
  readonly eventName: string;
  readonly backlog: EventBacklog;
}

export const backlogReportSignal = defineSignal<[BacklogReport]>('backlog');

export interface EventSourceStatus extends ObjectName, ControlStatus {
  readonly events: ReadonlyArray<{
    readonly name: string;
    readonly kind: string;
    readonly state: 'Reading' | 'Paused' | 'NotSupported' | 'Failed';
    readonly problem?: string;
    readonly backlog?: EventBacklog;
  }>;
  readonly appliedAt: string;
}

export const eventSourceStatusQuery = defineQuery<EventSourceStatus>('status');
