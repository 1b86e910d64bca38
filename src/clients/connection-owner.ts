/** Who opens a connection with a shared client: whose Secrets are read, and in whose name it fails. */
import type { SecretReader } from '../kubernetes/secrets';
import type { SluiceError, SluiceErrorDetails } from '../errors/sluice-error';

export interface ConnectionOwner {
  readonly namespace: string;
  readonly secrets: SecretReader;
  /** Aborted when the activity is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** One clear line per state change (connected, lost, waiting), not per event. */
  readonly log: (this: void, level: 'info' | 'warn', message: string) => void;
  /** Returns an error that names the owner. `misconfigured`: waiting cannot help. */
  readonly failure: (this: void, kind: 'unreachable' | 'misconfigured', details: SluiceErrorDetails) => SluiceError;
}
