/** The meaning of a gRPC status for a fire. */
import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import { SluiceError } from '../errors/sluice-error';

/**
 * Statuses after which the same call may succeed. UNKNOWN is one of them: servers return it for errors that they did
 * not classify, and INTERNAL is gRPC's 500.
 */
const PASSING_STATUSES = new Set<number>([
  grpcStatus.ABORTED,
  grpcStatus.DEADLINE_EXCEEDED,
  grpcStatus.INTERNAL,
  grpcStatus.RESOURCE_EXHAUSTED,
  grpcStatus.UNAVAILABLE,
  grpcStatus.UNKNOWN,
]);

const MAX_DETAIL_LENGTH = 300;

/** Returns TRIGGER_UNREACHABLE if no response came, TRIGGER_REFUSED for a failure that the server reports. */
export function describeCustomFailure({ code, details }: ServiceError, method: string): SluiceError {
  const name = grpcStatus[code];
  const isAnswerMissing = code === grpcStatus.UNAVAILABLE || code === grpcStatus.DEADLINE_EXCEEDED;
  return new SluiceError(isAnswerMissing ? 'TRIGGER_UNREACHABLE' : 'TRIGGER_REFUSED', {
    message: `custom trigger server, ${method}: ${name} ${details.slice(0, MAX_DETAIL_LENGTH)}`.trimEnd(),
    fix: adviceFor(code),
    retryable: PASSING_STATUSES.has(code),
    context: { method, status: name },
  });
}

function adviceFor(code: grpcStatus): string | undefined {
  if (code === grpcStatus.UNAVAILABLE) {
    return 'Check custom.serverURL (host:port), and custom.secure, certSecret and serverNameOverride if it speaks TLS';
  }
  if (code === grpcStatus.UNIMPLEMENTED)
    return 'The server must offer the service triggers.Trigger (docs/triggers/trigger.proto)';
  return undefined;
}
