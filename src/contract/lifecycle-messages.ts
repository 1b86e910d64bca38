/** What event buses, event sources and sensors share. */
import { defineSignal } from '@temporalio/workflow';
import type { RequestedBy } from './requester';

/** The part of a status that operators' requests decide. */
export interface ControlStatus {
  readonly paused?: RequestedBy & { readonly since: string };
  /** The last rejected signals, with time and reason. */
  readonly refusals?: readonly string[];
}

export const pauseSignal = defineSignal<[RequestedBy]>('pause');

export const resumeSignal = defineSignal<[RequestedBy]>('resume');

/** Ends an event bus, an event source or a sensor, and removes what it left on the bus. It is the only way to do so. */
export const deleteSignal = defineSignal<[RequestedBy]>('delete');
