/** Classifies errors of calls to Temporal; no other module distinguishes them. Pure. */
import { errorNumber, errorProperty, errorText, hasErrorName } from './foreign-errors';
import { describeError, SluiceError } from './sluice-error';

export type TemporalFailure =
  /** A retry of the same call may succeed. `isOutage`: every other call fails now in the same way. */
  | { readonly kind: 'transient'; readonly isOutage: boolean; readonly error: unknown }
  /** An operator has to prepare the server or grant the client its rights; then the same call succeeds. */
  | { readonly kind: 'configuration'; readonly error: unknown }
  /** The server or the client rejects this content on every attempt. */
  | { readonly kind: 'permanent'; readonly isTooLarge: boolean; readonly error: unknown };

/** Status codes of gRPC. */
const STATUS = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Size of an input, of a whole message as the server reads it, and as the client writes it. */
const TOO_LARGE = /(data|memo|message|details) size exceeds|message larger than max|message length too large/i;

export function classifyTemporalFailure(error: unknown): TemporalFailure {
  if (hasErrorName(error, 'NamespaceNotFoundError')) return { kind: 'configuration', error };
  if (hasErrorName(error, 'ValueError', 'PayloadConverterError')) {
    return { kind: 'permanent', isTooLarge: false, error };
  }
  const { code, details } = grpcStatusOf(error) ?? { code: undefined, details: '' };
  const isTooLarge = TOO_LARGE.test(details);
  switch (code) {
    case STATUS.invalidArgument:
      if (isAttributeMissing(details)) return { kind: 'configuration', error: explainUnprepared(error) };
      return { kind: 'permanent', isTooLarge, error };
    case STATUS.resourceExhausted:
    case STATUS.outOfRange:
      // A rate limit is transient; a message larger than the receiver accepts is permanent.
      if (isTooLarge) return { kind: 'permanent', isTooLarge, error };
      return { kind: 'transient', isOutage: true, error };
    case STATUS.notFound:
      if (/namespace/i.test(details)) return { kind: 'configuration', error };
      return { kind: 'transient', isOutage: false, error };
    case STATUS.permissionDenied:
    case STATUS.unauthenticated:
    case STATUS.unimplemented:
      return { kind: 'configuration', error };
    case STATUS.unavailable:
    case STATUS.deadlineExceeded:
      return { kind: 'transient', isOutage: true, error };
    default:
      return { kind: 'transient', isOutage: false, error };
  }
}

/** Adds advice to the error of a namespace without our search attributes; returns other errors as they are. */
export function explainUnprepared(error: unknown): unknown {
  const text = describeError(error);
  if (!isAttributeMissing(text)) return error;
  return new SluiceError('TEMPORAL_NOT_PREPARED', {
    message: `Temporal does not know the search attributes of runs: ${text}`,
    fix: 'Run `sluice setup`',
    cause: error,
  });
}

/** The gRPC status, which the client's own errors carry as their cause. */
export function grpcStatusOf(error: unknown): { readonly code: number; readonly details: string } | undefined {
  for (let link = error; link !== undefined && link !== null; link = errorProperty(link, 'cause')) {
    const code = errorNumber(link, 'code');
    if (code === undefined) continue;
    // A worker's connection leaves the details empty and has them in the message.
    const details = errorProperty(link, 'details');
    return { code, details: typeof details === 'string' && details !== '' ? details : errorText(link) };
  }
  return undefined;
}

/** It is missing, or of another type; a value that is too long for one affects its own run only. */
function isAttributeMissing(details: string): boolean {
  return /search attribute/i.test(details) && !/exceeds/i.test(details);
}
