/** What event buses, event sources and sensors share. */
import { defineSignal } from '@temporalio/workflow';
import type { RequestedBy } from './requester';

/** Sent with every apply that starts or changes an object, so that its history names who asked for it, and why. */
export interface ApplyRequest extends RequestedBy {
  /** The `sluice.io/*` annotations as they were written. Absent if only the bus of the object changed. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The last apply that changed the object. */
export interface AppliedRecord extends ApplyRequest {
  /** RFC 3339. */
  readonly at: string;
}

/** The part of a status that operators' requests decide. */
export interface ControlStatus {
  /** Absent for objects that a version without this record applied last. */
  readonly applied?: AppliedRecord;
  readonly paused?: RequestedBy & { readonly since: string };
  /** The last rejected signals, with time and reason. */
  readonly refusals?: readonly string[];
}

export const pauseSignal = defineSignal<[RequestedBy]>('pause');

export const resumeSignal = defineSignal<[RequestedBy]>('resume');

/** Ends an event bus, an event source or a sensor, and removes what it left on the bus. It is the only way to do so. */
export const deleteSignal = defineSignal<[RequestedBy]>('delete');
