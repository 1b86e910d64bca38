/** What the control plane takes of the process that uses it: a command, a worker or a test. */
import type { Writable } from 'node:stream';

export interface ProcessEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For warnings; results are returned. */
  readonly stderr: Writable;
}
