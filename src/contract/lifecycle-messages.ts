/** Signals that event buses, event sources and sensors share. */
import { defineSignal } from '@temporalio/workflow';
import type { RequestedBy } from './requester';

export const pauseSignal = defineSignal<[RequestedBy]>('pause');

export const resumeSignal = defineSignal<[RequestedBy]>('resume');

/** Ends an event bus, an event source or a sensor, and removes what it left on the bus. It is the only way to do so. */
export const deleteSignal = defineSignal<[RequestedBy]>('delete');
