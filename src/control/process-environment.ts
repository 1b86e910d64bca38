/** The parts of its host process that the control plane uses: of a command, a worker or a test. */
import type { Writable } from 'node:stream';

export interface ProcessEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For warnings; results are returned. */
  readonly stderr: Writable;
}
