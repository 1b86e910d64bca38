/** The contract of a source that is not part of Sluice, for `new EventSourcePlugin({ sources: [...] })`. */
import type { SluiceError, SluiceErrorDetails } from '../errors/sluice-error';
import type { KeySelector } from '../kubernetes/secrets';
import type { PositionStore, Source } from './source';

/** What a source gets for one event of a manifest. */
export interface CustomSourceContext {
  readonly namespace: string;
  readonly eventSourceName: string;
  readonly eventName: string;
  /** Aborted when the source is to stop. It must end every wait. */
  readonly signal: AbortSignal;
  /** For outside systems that keep no position for their readers. */
  readonly position: PositionStore;
  /** Texts that the manifest adds to each event, in `metadata`. */
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** One clear line per state change (connected, lost, waiting), not per event. No secrets. */
  log(level: 'info' | 'warn', message: string): void;
  /** Throws SECRET_MISSING, and WORKER_RESTRICTED for a Secret that the worker may not use. */
  readSecret(selector: KeySelector): Promise<string>;
  /** Returns the error for `check` and `deliveries` to throw. `misconfigured`: waiting cannot help, an operator must act. */
  failure(kind: 'unreachable' | 'misconfigured', details: SluiceErrorDetails): SluiceError;
}

/**
 * An event source of your own. Manifests name it under `spec.custom`; the worker that runs it has it in
 * `new EventSourcePlugin({ sources: [...] })`. It keeps the promises that the methods of `Source` state, so pausing,
 * fail-over, `explain` and metrics work as for the others.
 */
export interface CustomSource<Options = unknown> {
  /** `source` in manifests, and the CloudEvent type of the events. Letters, digits, `-`, `_` and `.`. */
  readonly name: string;
  /** Reads `options` of the manifest, `{}` if there are none. A zod schema fits. Throws if they are not sound. */
  readonly options: { parse(options: unknown): Options };
  /** Called once for each reader. Does not connect yet. */
  create(options: Options, context: CustomSourceContext): Source;
}
