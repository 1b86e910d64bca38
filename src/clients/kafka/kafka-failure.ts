/** Classifies failures of kafkajs. */
import { SluiceError } from '../../errors/sluice-error';
import { errorProperty, errorText, hasErrorName } from '../../errors/foreign-errors';

/** Protocol errors that are transient although kafkajs does not retry them. */
const PASSING_TYPES = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
]);

/** Returns TRIGGER_REFUSED if the broker responded, TRIGGER_UNREACHABLE if it did not. `what` starts the message. */
export function describeKafkaFailure(error: unknown, what: string): SluiceError {
  const message = `${what}: ${errorText(error)}`;
  if (hasErrorName(error, 'KafkaJSSASLAuthenticationError')) {
    return new SluiceError('TRIGGER_REFUSED', {
      message: `${what}: the broker does not accept the credentials`,
      fix: 'Check kafka.sasl and the Secrets it names',
    });
  }
  const type = kafkaErrorType(error);
  if (type !== undefined) {
    return new SluiceError('TRIGGER_REFUSED', {
      message,
      fix: type === 'UNKNOWN_TOPIC_OR_PARTITION' ? 'Create the topic, or let the broker create topics' : undefined,
      retryable: PASSING_TYPES.has(type) || isRetriable(error),
      context: { type },
      cause: error,
    });
  }
  return new SluiceError('TRIGGER_UNREACHABLE', {
    message,
    fix: 'Check kafka.url and kafka.tls, and that every broker can be reached under the address it advertises',
    cause: error,
  });
}

/** Returns `MESSAGE_TOO_LARGE` and the like, which kafkajs hides as the cause of "retries exceeded". */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let link = error; link !== undefined && link !== null; link = errorProperty(link, 'cause')) {
    const type = errorProperty(link, 'type');
    if (typeof type === 'string') return type;
  }
  return undefined;
}

function isRetriable(error: unknown): boolean {
  for (let link = error; link !== undefined && link !== null; link = errorProperty(link, 'cause')) {
    if (errorProperty(link, 'retriable') === true) return true;
  }
  return false;
}
