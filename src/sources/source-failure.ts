/** How an event of an event source is named in messages, and how it fails. */
import type { ConnectionOwner } from '../clients/connection-owner';
import { SluiceError, type SluiceErrorDetails } from '../errors/sluice-error';
import type { SourceContext } from './source';

/** Object and event, as they appear in the manifest. */
export function describeSource(context: SourceContext): string {
  return `event source ${context.namespace}/${context.eventSourceName}, event ${context.eventName}`;
}

export function sourceFailure(
  context: SourceContext,
  kind: 'unreachable' | 'misconfigured',
  details: SluiceErrorDetails,
): SluiceError {
  return new SluiceError(kind === 'misconfigured' ? 'EVENT_SOURCE_MISCONFIGURED' : 'EVENT_SOURCE_UNREACHABLE', {
    ...details,
    message: `${describeSource(context)}: ${details.message}`,
    context: { eventSource: context.eventSourceName, event: context.eventName, ...details.context },
  });
}

/** The source as the owner of a connection. */
export function ownerOf(context: SourceContext): ConnectionOwner {
  const { namespace, secrets, signal, log } = context;
  return { namespace, secrets, signal, log, failure: (kind, details) => sourceFailure(context, kind, details) };
}
