/** The meaning of a failed SMTP exchange for a fire. */
import { SluiceError } from '../errors/sluice-error';
import { errorCode, errorNumber, errorProperty, errorText } from '../errors/foreign-errors';

/** SMTP replies 4xx for transient and 5xx for permanent failures (RFC 5321, 4.2.1). No reply is transient. */
export function describeEmailFailure(error: unknown, what: string): SluiceError {
  const status = errorNumber(error, 'responseCode');
  const answer = errorProperty(error, 'response');
  const text = typeof answer === 'string' ? answer : errorText(error);
  const code = errorCode(error);
  if (code === 'EAUTH') {
    return new SluiceError('TRIGGER_REFUSED', {
      message: `${what}: the mail server does not accept the credentials`,
      fix: 'Check email.username and the Secret that email.smtpPassword names',
      retryable: status !== undefined && status < 500,
    });
  }
  if (status !== undefined && status >= 400) {
    return new SluiceError('TRIGGER_REFUSED', {
      message: `${what}: ${text.slice(0, 300)}`,
      retryable: status < 500,
      context: { status },
    });
  }
  return new SluiceError('TRIGGER_UNREACHABLE', {
    message: `${what}: ${errorText(error)}`,
    fix:
      code === 'ETLS'
        ? 'The server offers no encryption; a password is sent over an encrypted connection only'
        : 'Check email.host and email.port, and that the server can be reached from the worker',
    cause: error,
  });
}
