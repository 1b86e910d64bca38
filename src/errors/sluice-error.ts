/**
 * Every error that Sluice raises on purpose.
 *
 * The code is the contract: callers, Temporal retry policies and docs/errors.md use it; texts may change. A code also
 * says whether a retry can help, so that no caller has to guess.
 */

import type { ObjectReference } from './object-reference';

/** Code → whether a retry can succeed without any change by an operator. Retired codes stay listed here. */
export const ERROR_CODES = {
  MANIFEST_INVALID: { retryable: false },
  MANIFEST_UNREADABLE: { retryable: false },
  SECRET_MISSING: { retryable: true },
  EVENT_UNDECODABLE: { retryable: false },
  EVENT_LINK_UNREADABLE: { retryable: false },
  EVENT_SUBJECT_MISMATCH: { retryable: false },
  EVENT_SOURCE_UNREACHABLE: { retryable: true },
  EVENT_SOURCE_MISCONFIGURED: { retryable: false },
  BUS_UNREACHABLE: { retryable: true },
  BUS_REFUSED: { retryable: true },
  BUS_MISCONFIGURED: { retryable: false },
  BUS_EVENT_TOO_LARGE: { retryable: false },
  EXPRESSION_INVALID: { retryable: false },
  EXPRESSION_FAILED: { retryable: false },
  EXPRESSION_TIMED_OUT: { retryable: false },
  EXPRESSION_ENGINE_MISSING: { retryable: false },
  SENSOR_PARAMETER_UNRESOLVED: { retryable: false },
  SENSOR_EVENTS_INCOMPLETE: { retryable: false },
  SENSOR_EVENTS_GONE: { retryable: false },
  SENSOR_UNKNOWN: { retryable: false },
  TRIGGER_REFUSED: { retryable: false },
  TRIGGER_UNREACHABLE: { retryable: true },
  TRIGGER_CONFLICT: { retryable: true },
  TRIGGER_OBJECT_EXISTS: { retryable: false },
  TRIGGER_POLICY_FAILED: { retryable: false },
  TRIGGER_SOURCE_UNREADABLE: { retryable: true },
  TRIGGER_UNSUPPORTED: { retryable: false },
  OUTCOME_REFUSED: { retryable: true },
  KUBERNETES_UNREACHABLE: { retryable: true },
  KUBERNETES_REFUSED: { retryable: false },
  KUBERNETES_MISCONFIGURED: { retryable: false },
  SERVICE_ACCOUNT_UNUSABLE: { retryable: false },
  TEMPORAL_UNREACHABLE: { retryable: true },
  TEMPORAL_NOT_PREPARED: { retryable: true },
  WORKER_MISSING: { retryable: true },
  WORKER_FULL: { retryable: true },
  WORKER_STUCK: { retryable: true },
  WORKER_RESTRICTED: { retryable: false },
  OBJECT_UNKNOWN: { retryable: false },
  OBJECT_IN_USE: { retryable: false },
  PLUGIN_MISUSED: { retryable: false },
  PAYLOAD_KEYS_INVALID: { retryable: false },
  PAYLOAD_KEY_MISSING: { retryable: true },
  PAYLOAD_UNREADABLE: { retryable: false },
  RUN_REFUSED: { retryable: false },
  RUN_UNKNOWN: { retryable: false },
  RETRIGGER_REFUSED: { retryable: false },
  REPLAY_RUNNING: { retryable: false },
  USAGE: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface SluiceErrorDetails {
  /** What went wrong, what was found and what was expected. Never holds a secret or an event's payload. */
  message: string;
  /** What the reader can do about it, as a sentence. */
  fix?: string;
  /** Ids that help the reader: sensor, trigger, event, field path … */
  context?: Readonly<Record<string, string | number | undefined>>;
  /** How long the server asked us to wait, in milliseconds (HTTP `Retry-After`). */
  retryAfterMs?: number;
  /** Set only if the code alone does not decide (an HTTP 500 and a 400 share a code; only the 500 is transient). */
  retryable?: boolean;
  /** The Kubernetes object that was created before the error occurred. */
  object?: ObjectReference;
  cause?: unknown;
}

/**
 * The one error class. Branch on `code`, never on the text and never on `instanceof` across the workflow sandbox.
 *
 * @example
 * ```ts
 * import { isSluiceError } from 'sluice';
 * import { ControlPlane } from 'sluice/control';
 *
 * async function isApplied(sluice: ControlPlane, name: string): Promise<boolean> {
 *   try {
 *     await sluice.status({ kind: 'Sensor', name });
 *     return true;
 *   } catch (error) {
 *     if (isSluiceError(error) && error.code === 'OBJECT_UNKNOWN') return false;
 *     throw error;
 *   }
 * }
 *
 * void isApplied;
 * ```
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly context: Readonly<Record<string, string | number | undefined>>;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;
  readonly object: ObjectReference | undefined;

  constructor(code: ErrorCode, details: SluiceErrorDetails) {
    super(details.message, { cause: details.cause });
    this.code = code;
    this.fix = details.fix;
    this.context = details.context ?? {};
    this.retryAfterMs = details.retryAfterMs;
    this.object = details.object;
    this.retryable = details.retryable ?? ERROR_CODES[code].retryable;
  }
}

/** True for errors of this class, even across a Jest or worker-thread realm, where `instanceof` is false. */
export function isSluiceError(error: unknown): error is SluiceError {
  return (
    typeof error === 'object' &&
    error !== null &&
    'name' in error &&
    error.name === 'SluiceError' &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code in ERROR_CODES
  );
}

/** One line for a log or a terminal: text, causes, then what to do. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error) && !isSluiceError(error)) return String(error);
  const parts = [error.message];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause.message && !parts.some((part) => part.includes(cause.message))) parts.push(cause.message);
  }
  const text = parts.join(': ');
  return isSluiceError(error) && error.fix ? `${text}. ${error.fix}` : text;
}
