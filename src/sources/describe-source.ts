import type { SourceContext } from './source';

/** How messages name an event source: object and event, as a person finds them in the manifest. */
export function describeSource(context: SourceContext): string {
  return `event source ${context.namespace}/${context.eventSourceName}, event ${context.eventName}`;
}
