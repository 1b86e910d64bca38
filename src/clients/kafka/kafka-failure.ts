/** What a failure of kafkajs means for a fire. */
import { SluiceError } from '../../errors/sluice-error';
import { errorProperty, errorText, hasErrorName } from '../../errors/foreign-errors';

/** Protocol errors that pass by themselves although kafkajs does not retry them. */
const PASSING_TYPES = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
]);

/** TRIGGER_REFUSED for what the broker answered, TRIGGER_UNREACHABLE when it did not. `what` starts the message. */
export function describeKafkaFailure(error: unknown, what: string): SluiceError {
  const message = `${what}: ${errorText(error)}`;
  if (hasErrorName(error, 'KafkaJSSASLAuthenticationError')) {
    return new SluiceError('TRIGGER_REFUSED', {
      message: `${what}: the broker does not accept the credentials`,
      fix: 'Check kafka.sasl and the Secrets it names',
    });
  }
  const type = protocolErrorType(error);
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

/** `MESSAGE_TOO_LARGE` and the like; kafkajs hides it as the cause of "retries exceeded". */
function protocolErrorType(error: unknown): string | undefined {
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
