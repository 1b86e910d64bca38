/** Turns responses of the API server into errors that say whether a retry can help. */
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { parseRetryAfterMs } from '../text/retry-after';
import { isRecord } from './kubernetes-object';

export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  /** `Status.reason`: AlreadyExists, Conflict, NotFound, Forbidden, Invalid, Expired … */
  readonly reason: string;
}

/** Returns the server's refusal for errors created here; undefined for all others. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!isSluiceError(error) || error.code !== 'KUBERNETES_REFUSED') return undefined;
  const { status, reason } = error.context;
  return typeof status === 'number' ? { status, reason: typeof reason === 'string' ? reason : '' } : undefined;
}

export function isNotFound(error: unknown): boolean {
  return refusalOf(error)?.status === 404;
}

/** Another client wrote the object since we read it, or the server could not decide between two writes. */
export function isConflict(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal?.status === 409 && refusal.reason !== 'AlreadyExists';
}

const PASSING_STATUSES = new Set([408, 409, 425, 429]);

/**
 * Creates KUBERNETES_REFUSED for one response. `request` is `POST /apis/…`, `body` the text of the response, `retryAfter`
 * the header of that name.
 *
 * @param identity whose rights the request had; default: the worker's own
 */
export function createRefusal(
  request: string,
  status: number,
  retryAfter: string | undefined,
  body: string,
  identity?: string,
): SluiceError {
  const answer = parseStatus(body);
  const reason = answer.reason ?? '';
  const passing =
    (PASSING_STATUSES.has(status) && reason !== 'AlreadyExists') ||
    status >= 500 ||
    // A full quota may have space later, and a server that has just started may not know all roles yet.
    (status === 403 && /exceeded quota|RBAC: .*not found/.test(answer.message));
  return new SluiceError('KUBERNETES_REFUSED', {
    message: `Kubernetes answered ${status}${reason ? ` ${reason}` : ''} to ${request}: ${answer.message}`,
    fix: adviceFor(status, reason, identity),
    retryable: passing,
    retryAfterMs: parseRetryAfterMs(retryAfter) ?? answer.retryAfterMs,
    context: { status, reason, request },
  });
}

interface StatusAnswer {
  message: string;
  reason?: string;
  retryAfterMs?: number;
}

function parseStatus(body: string): StatusAnswer {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // Proxies and the server's own filters respond in plain text.
    return { message: body.trim().slice(0, 300) || 'no explanation' };
  }
  if (!isRecord(parsed)) return { message: 'no explanation' };
  const seconds = isRecord(parsed.details) ? parsed.details.retryAfterSeconds : undefined;
  return {
    message: typeof parsed.message === 'string' ? parsed.message.slice(0, 2000) : 'no explanation',
    reason: typeof parsed.reason === 'string' ? parsed.reason : undefined,
    retryAfterMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined,
  };
}

function adviceFor(status: number, reason: string, identity: string | undefined): string | undefined {
  if (reason === 'AlreadyExists') return undefined;
  switch (status) {
    case 401:
      return 'Check the token or certificate that this worker uses';
    case 403:
      return identity === undefined
        ? "Allow it in the Role of the worker's service account (deploy/ has Roles to start from)"
        : `Allow it in a Role that is bound to ${identity}, as which the Sensor's triggers act (spec.template.serviceAccountName)`;
    case 404:
      return 'Check kind, namespace and name, and that the custom resource definition is installed';
    case 400:
    case 422:
      return "Correct the object; the server's text names the field";
    default:
      return undefined;
  }
}
