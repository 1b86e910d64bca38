/** The event of an event source that a connection is opened for. */
import type { SecretReader } from '../kubernetes/secrets';

export interface ConnectionOwner {
  readonly namespace: string;
  readonly eventSourceName: string;
  readonly eventName: string;
  readonly secrets: SecretReader;
  /** Aborted when the activity is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** One clear line per state change (connected, lost, waiting), not per event. */
  readonly log: (this: void, level: 'info' | 'warn', message: string) => void;
}

/** Names an event source in messages: object and event, as they appear in the manifest. */
export function describeSource(context: ConnectionOwner): string {
  return `event source ${context.namespace}/${context.eventSourceName}, event ${context.eventName}`;
}
